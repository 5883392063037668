// A file on its way into a place. Private to this room.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "dest/destination.h"
#include "stream/stream.h"

namespace snap::dest {

// Passes everything on; a file that is not finished is closed and taken away again. `Kind` is
// stream::Sink or Patch.
template <class Kind>
class TakenAway : public Kind {
 public:
  TakenAway(std::unique_ptr<Kind> sink, std::function<void()> take_away)
      : sink_(std::move(sink)), take_away_(std::move(take_away)) {}
  ~TakenAway() override {
    sink_.reset();
    if (!finished_) take_away_();
  }
  Result<void> write(Bytes data) override { return sink_->write(data); }
  Result<void> finish() override {
    TRY(sink_->finish());
    finished_ = true;
    return {};
  }

 protected:
  Kind& sink() { return *sink_; }

 private:
  std::unique_ptr<Kind> sink_;
  std::function<void()> take_away_;
  bool finished_ = false;
};

using NewFile = TakenAway<stream::Sink>;

class NewPatch : public TakenAway<Patch> {
 public:
  using TakenAway::TakenAway;
  Result<void> skip(uint64_t bytes) override { return sink().skip(bytes); }
};

}  // namespace snap::dest
