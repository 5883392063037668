// What every destination promises, as tests. A place joins by instantiating Contract with a
// factory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "dest/destination.h"
#include "stream/copy.h"
#include "stream/memory.h"
#include "support/temp_dir.h"

namespace snap::dest {

struct ContractCase {
  std::string name;
  // Opens the place; called again on the same directory it sees what was left there.
  std::function<std::unique_ptr<Destination>(const test::TempDir&)> open;
};

inline void PrintTo(const ContractCase& c, std::ostream* out) { *out << c.name; }

class Contract : public testing::TestWithParam<ContractCase> {
 protected:
  std::unique_ptr<Destination> open() { return GetParam().open(dir_); }

  static Result<void> write(Incoming& incoming, const std::string& file,
                            const std::string& content) {
    auto sink = TRY(incoming.create(file));
    stream::StringSource source(content);
    TRY(stream::copy(source, *sink));
    return sink->finish();
  }

  static Result<void> put(Destination& place, const std::string& group,
                          const std::string& content) {
    auto incoming = TRY(place.begin(group));
    TRY(write(*incoming, "data", content));
    TRY(write(*incoming, "marker", "whole"));
    return incoming->publish();
  }

  static Result<std::string> get(Destination& place, const std::string& group,
                                 const std::string& file) {
    auto source = TRY(place.open(group, file));
    return stream::read_all(*source, 1 << 26);
  }

  static std::vector<std::string> names(Destination& place) {
    std::vector<std::string> names;
    auto entries = place.list().value();
    for (const auto& entry : entries) names.push_back(entry.name);
    std::ranges::sort(names);
    return names;
  }

  test::TempDir dir_;
};

}  // namespace snap::dest
