// A file on its way into a place. Private to this room.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "stream/stream.h"

namespace snap::dest {

// Passes everything on; a file that is not finished is closed and taken away again.
class NewFile : public stream::Sink {
 public:
  NewFile(std::unique_ptr<Sink> sink, std::function<void()> take_away)
      : sink_(std::move(sink)), take_away_(std::move(take_away)) {}
  ~NewFile() override {
    sink_.reset();
    if (!finished_) take_away_();
  }
  Result<void> write(Bytes data) override { return sink_->write(data); }
  Result<void> finish() override {
    TRY(sink_->finish());
    finished_ = true;
    return {};
  }

 private:
  std::unique_ptr<Sink> sink_;
  std::function<void()> take_away_;
  bool finished_ = false;
};

}  // namespace snap::dest
