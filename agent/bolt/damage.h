// What is wrong with a bbolt file, and where.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace snap::bolt {

struct Damage {
  std::optional<uint64_t> page;
  std::optional<uint64_t> byte;  // offset in the file
  std::string what;              // "key of element 3 is not above the one before it"; printable
};

// Collects damage from several threads. Keeps the first kMax, counts the others.
class Damages {
 public:
  static constexpr size_t kMax = 100;

  void add(Damage damage);
  uint64_t count() const;
  std::vector<Damage> sorted() const;  // by place

 private:
  mutable std::mutex mutex_;
  std::vector<Damage> kept_;
  uint64_t count_ = 0;
};

}  // namespace snap::bolt
