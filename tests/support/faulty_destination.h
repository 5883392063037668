// A destination that fails on demand: at a call, at byte N of a file, or by lying about what it
// stores.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dest/destination.h"

namespace snap::test {

// What goes wrong. Shared by all openings of one place; counts down, so that a later try can
// succeed.
struct Fault {
  enum class At { never, begin, create, write, finish, sync, open, publish, list, remove };
  At at = At::never;
  Code code = Code::unavailable;
  uint64_t byte = 0;  // At::write: fails when this many bytes of the file were written
  bool flip = false;  // reading back gives one bit wrong
  std::atomic<int> times{std::numeric_limits<int>::max()};
  std::atomic<int> happened{0};

  bool strikes(At here) {
    if (at != here || times.load() <= 0) return false;
    --times;
    ++happened;
    return true;
  }
  std::unexpected<Error> error(const std::string& doing) const {
    return fail(code, doing + ": injected fault");
  }
};

class FaultySink : public stream::Sink {
 public:
  FaultySink(std::unique_ptr<Sink> sink, std::shared_ptr<Fault> fault)
      : sink_(std::move(sink)), fault_(std::move(fault)) {}
  Result<void> write(Bytes data) override {
    if (written_ + data.size() > fault_->byte && fault_->strikes(Fault::At::write))
      return fault_->error("write");
    written_ += data.size();
    return sink_->write(data);
  }
  Result<void> finish() override {
    if (fault_->strikes(Fault::At::finish)) return fault_->error("finish");
    return sink_->finish();
  }

 private:
  std::unique_ptr<Sink> sink_;
  std::shared_ptr<Fault> fault_;
  uint64_t written_ = 0;
};

class FlippingSource : public stream::Source {
 public:
  explicit FlippingSource(std::unique_ptr<Source> source) : source_(std::move(source)) {}
  Result<size_t> read(MutableBytes into) override {
    auto n = source_->read(into);
    if (n && *n > 0 && !std::exchange(flipped_, true)) into[*n / 2] ^= std::byte{1};
    return n;
  }

 private:
  std::unique_ptr<Source> source_;
  bool flipped_ = false;
};

class FaultyIncoming : public dest::Incoming {
 public:
  FaultyIncoming(std::unique_ptr<Incoming> incoming, std::shared_ptr<Fault> fault)
      : incoming_(std::move(incoming)), fault_(std::move(fault)) {}
  Result<std::unique_ptr<stream::Sink>> create(const std::string& file) override {
    if (fault_->strikes(Fault::At::create)) return fault_->error("create " + file);
    return std::make_unique<FaultySink>(TRY(incoming_->create(file)), fault_);
  }
  Result<std::unique_ptr<stream::Source>> open(const std::string& file) override {
    if (fault_->strikes(Fault::At::open)) {
      if (!fault_->flip) return fault_->error("open " + file);
      return std::make_unique<FlippingSource>(TRY(incoming_->open(file)));
    }
    return incoming_->open(file);
  }
  Result<std::vector<dest::FileInfo>> files() override { return incoming_->files(); }
  Result<void> sync(const std::string& file) override {
    if (fault_->strikes(Fault::At::sync)) return fault_->error("sync " + file);
    return incoming_->sync(file);
  }
  Result<void> publish() override {
    if (fault_->strikes(Fault::At::publish)) return fault_->error("publish");
    return incoming_->publish();
  }

 private:
  std::unique_ptr<Incoming> incoming_;
  std::shared_ptr<Fault> fault_;
};

class FaultyDestination : public dest::Destination {
 public:
  FaultyDestination(std::unique_ptr<Destination> place, std::shared_ptr<Fault> fault)
      : place_(std::move(place)), fault_(std::move(fault)) {}

  std::string label() const override { return "faulty://" + place_->label(); }
  Result<std::unique_ptr<dest::Incoming>> begin(const std::string& group) override {
    if (fault_->strikes(Fault::At::begin)) return fault_->error("begin " + group);
    return std::make_unique<FaultyIncoming>(TRY(place_->begin(group)), fault_);
  }
  Result<std::unique_ptr<dest::Incoming>> resume(const std::string& group) override {
    return std::make_unique<FaultyIncoming>(TRY(place_->resume(group)), fault_);
  }
  Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                               const std::string& file) override {
    return place_->open(group, file);
  }
  Result<std::vector<dest::FileInfo>> files(const std::string& group) override {
    return place_->files(group);
  }
  Result<std::vector<dest::Entry>> list() override {
    if (fault_->strikes(Fault::At::list)) return fault_->error("list");
    return place_->list();
  }
  Result<dest::Space> space() override { return place_->space(); }
  Result<std::vector<std::string>> remove(const std::string& group,
                                          const std::vector<std::string>& files) override {
    if (fault_->strikes(Fault::At::remove)) return fault_->error("remove " + group);
    return place_->remove(group, files);
  }
  Result<std::vector<dest::Leftover>> leftovers() override { return place_->leftovers(); }
  Result<void> discard(const std::string& group) override { return place_->discard(group); }
  Result<std::vector<std::string>> notes(const std::string& kind) override {
    return place_->notes(kind);
  }
  Result<void> put_note(const std::string& kind, const std::string& name,
                        const std::string& text) override {
    return place_->put_note(kind, name, text);
  }
  Result<void> remove_note(const std::string& kind, const std::string& name) override {
    return place_->remove_note(kind, name);
  }

 private:
  std::unique_ptr<Destination> place_;
  std::shared_ptr<Fault> fault_;
};

}  // namespace snap::test
