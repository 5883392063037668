#include "report/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <optional>
#include <utility>

#include "base/text.h"
#include "report/log.h"

namespace snap::report {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kRedraw{100};
constexpr milliseconds kLine{5000};
constexpr milliseconds kFirstRate{500};  // a rate over less says nothing
constexpr int kBarWidth = 20;

struct Numbers {
  std::optional<int> percent;
  std::string done;
  std::string rate;  // empty: not known yet
  std::string left;
};

Numbers numbers_of(uint64_t done, uint64_t total, milliseconds elapsed) {
  Numbers numbers;
  numbers.done = human_size(done);
  if (total > 0) {
    auto part = static_cast<double>(done) / static_cast<double>(total);
    numbers.percent = static_cast<int>(std::min(part, 1.0) * 100);
  }
  if (elapsed < kFirstRate || done == 0) return numbers;
  auto bytes_per_second = static_cast<double>(done) * 1000 / static_cast<double>(elapsed.count());
  numbers.rate = human_size(static_cast<uint64_t>(bytes_per_second)) + "/s";
  if (total > done) {
    auto seconds = static_cast<double>(total - done) / bytes_per_second;
    if (seconds < 360'000)
      numbers.left = human_duration(std::chrono::seconds(std::llround(seconds)));
  }
  return numbers;
}

class Shown : public Progress {
 public:
  Shown(Log& log, ProgressOptions options) : log_(log), options_(std::move(options)) {
    if (!options_.clock) options_.clock = Clock::now;
    if (!options_.columns) options_.columns = [&log] { return log.columns(); };
  }
  ~Shown() override { end(); }

  void begin(std::string what, uint64_t total_bytes) override {
    what_ = std::move(what);
    total_ = total_bytes;
    started_ = options_.clock();
    next_ = started_ + (log_.draws() ? kRedraw : kLine);
    running_ = log_.shows(Level::info);
  }

  void update(uint64_t done_bytes) override {
    if (!running_) return;
    auto now = options_.clock();
    if (now < next_) return;
    auto elapsed = std::chrono::duration_cast<milliseconds>(now - started_);
    if (log_.draws()) {
      // The last column stays free: writing there makes some terminals wrap.
      log_.set_status(
          progress_bar(what_, done_bytes, total_, elapsed, std::max(options_.columns() - 1, 1)));
      next_ = now + kRedraw;
    } else {
      log_.info(line(done_bytes, elapsed));
      next_ = now + kLine;
    }
  }

  void end() override {
    if (running_) log_.set_status("");
    running_ = false;
  }

 private:
  std::string line(uint64_t done, milliseconds elapsed) const {
    auto numbers = numbers_of(done, total_, elapsed);
    auto text = std::format("{}: {}", what_, numbers.done);
    if (numbers.percent) text += std::format(" of {} ({} %)", human_size(total_), *numbers.percent);
    if (!numbers.rate.empty()) text += ", " + numbers.rate;
    if (!numbers.left.empty()) text += ", " + numbers.left + " left";
    return text;
  }

  Log& log_;
  ProgressOptions options_;
  std::string what_;
  uint64_t total_ = 0;
  Clock::time_point started_;
  Clock::time_point next_;
  bool running_ = false;
};

}  // namespace

std::unique_ptr<Progress> make_progress(Log& log, ProgressOptions options) {
  return std::make_unique<Shown>(log, std::move(options));
}

std::string progress_bar(const std::string& what, uint64_t done_bytes, uint64_t total_bytes,
                         std::chrono::milliseconds elapsed, int columns) {
  auto numbers = numbers_of(done_bytes, total_bytes, elapsed);
  // What is drawn first to last; the number says in which order parts are taken in.
  std::string bar;
  if (numbers.percent) {
    auto filled = *numbers.percent * kBarWidth / 100;
    bar = std::string(static_cast<size_t>(filled), '=') + (filled < kBarWidth ? ">" : "");
    bar = std::format("[{:<{}}]", bar, kBarWidth);
  }
  struct Part {
    std::string text;
    int order;
    bool shown = false;
  };
  std::array<Part, 6> parts = {{{escaped(what), 2},
                                {bar, 5},
                                {numbers.percent ? std::format("{} %", *numbers.percent) : "", 0},
                                {numbers.done, 1},
                                {numbers.rate, 3},
                                {numbers.left, 4}}};
  auto room = static_cast<size_t>(std::max(columns, 0));
  size_t used = 0;
  for (int order = 0; order < static_cast<int>(parts.size()); ++order) {
    auto& part = *std::ranges::find(parts, order, &Part::order);
    auto needed = part.text.size() + (used > 0 ? 1 : 0);
    if (part.text.empty() || used + needed > room) continue;
    part.shown = true;
    used += needed;
  }
  std::string line;
  for (const auto& part : parts) {
    if (part.shown) line += (line.empty() ? "" : " ") + part.text;
  }
  return line;
}

std::function<void(uint64_t, uint64_t)> step_of(Progress& progress, std::string what) {
  return [&progress, what = std::move(what), last = std::optional<uint64_t>()](
             uint64_t done_bytes, uint64_t total_bytes) mutable {
    if (!last || done_bytes < *last) progress.begin(what, total_bytes);
    last = done_bytes;
    progress.update(done_bytes);
  };
}

}  // namespace snap::report
