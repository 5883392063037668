#include "report/log.h"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <format>
#include <mutex>

#include "base/text.h"

namespace snap::report {
namespace {

// How long a reader of the log may keep us waiting before lines are dropped. A pipe that poll()
// calls writable takes 4096 bytes without blocking.
constexpr int kPatienceMs = 1000;
constexpr size_t kMaxLine = 4000;
constexpr int kUnknownColumns = 80;

constexpr std::string_view kClearLine = "\r\x1b[K";

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// "%*" in the pattern: the level in five characters.
class ShortLevel : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& into) override {
    std::string_view name = "info ";
    if (message.level == spdlog::level::debug) name = "debug";
    if (message.level == spdlog::level::warn) name = "warn ";
    if (message.level == spdlog::level::err) name = "error";
    into.append(name.data(), name.data() + name.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<ShortLevel>();
  }
};

std::unique_ptr<spdlog::formatter> line_formatter() {
  auto formatter =
      std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc, "\n");
  formatter->add_flag<ShortLevel>('*').set_pattern("%Y-%m-%dT%H:%M:%SZ %^%*%$ %v");
  return formatter;
}

std::string_view colour_of(spdlog::level::level_enum level) {
  if (level == spdlog::level::warn) return "\x1b[33m";
  if (level == spdlog::level::err) return "\x1b[31m";
  return "";
}

// Writes to a descriptor that may be closed, full or slow, and keeps the status line below.
class Sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  Sink(int fd, bool colour) : base_sink(line_formatter()), fd_(fd), colour_(colour) {}

  void set_status(std::string_view line) {
    std::lock_guard lock(mutex_);
    std::string out;
    if (!status_.empty() || !line.empty()) out = std::string(kClearLine) + std::string(line);
    status_ = line;
    put(out);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    std::string line(text.data(), text.size());
    auto colour = colour_of(message.level);
    if (colour_ && !colour.empty()) {
      line.insert(message.color_range_end, "\x1b[0m");
      line.insert(message.color_range_start, colour);
    }
    if (!status_.empty()) line = std::string(kClearLine) + line + status_;
    if (lost_ > 0) line.insert(0, std::format("({} lines of this log were lost)\n", lost_));
    lost_ = put(line) ? 0 : lost_ + 1;
  }
  void flush_() override {}

 private:
  // Waits for a slow reader once; no more as long as it does not read.
  bool put(std::string_view text) {
    bool written = put_all(text);
    stuck_ = !written;
    return written;
  }

  bool put_all(std::string_view text) {
    while (!text.empty()) {
      pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
      int count = ::poll(&ready, 1, stuck_ ? 0 : kPatienceMs);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      auto n = ::write(fd_, text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return false;
      text.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  int fd_;
  bool colour_;
  std::string status_;
  uint64_t lost_ = 0;
  bool stuck_ = false;
};

// A terminal that does not say what it is may show escape codes as text.
bool knows_escape_codes() {
  const char* term = std::getenv("TERM");
  return term && *term && std::string_view(term) != "dumb";
}

bool wants_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return !(no_colour && *no_colour) && knows_escape_codes();
}

// What moves a cursor made visible. The parts of a message that came from outside are escaped
// already, so a backslash stays what it is: it would double with each hand that it goes through.
std::string printable(std::string_view text) {
  auto parts = split(text, '\\');
  for (auto& part : parts) part = escaped(part);
  return join(parts, "\\");
}

// A message as one line; a very long one keeps its start and its end.
std::string one_line(std::string_view message) {
  auto line = printable(message);
  if (line.size() <= kMaxLine) return line;
  auto half = kMaxLine / 2;
  return printable(line.substr(0, half)) + " [...] " + printable(line.substr(line.size() - half));
}

}  // namespace

struct Log::State {
  std::shared_ptr<Sink> sink;
  std::unique_ptr<spdlog::logger> logger;
  std::function<Seconds()> clock;
  Level least = Level::info;
  int fd = 2;
  bool terminal = false;
  bool draws = false;
};

Log::Log(LogOptions options) : state_(std::make_unique<State>()) {
  state_->fd = options.fd;
  state_->least = options.least;
  state_->terminal = options.terminal.value_or(::isatty(options.fd) == 1);
  state_->draws = options.terminal.value_or(state_->terminal && knows_escape_codes());
  state_->clock = options.clock ? std::move(options.clock) : now_utc;
  bool colour = options.colour.value_or(state_->terminal && wants_colour());
  state_->sink = std::make_shared<Sink>(options.fd, colour);
  state_->logger = std::make_unique<spdlog::logger>("", state_->sink);
  state_->logger->set_level(spdlog_level(options.least));
  // The default would print to stderr.
  state_->logger->set_error_handler([](const std::string&) {});
}

Log::~Log() { set_status(""); }

void Log::write(Level level, std::string_view message) {
  if (!shows(level)) return;
  state_->logger->log(std::chrono::system_clock::time_point(state_->clock()), spdlog::source_loc{},
                      spdlog_level(level), one_line(message));
}

bool Log::shows(Level level) const { return level >= state_->least; }

bool Log::terminal() const { return state_->terminal; }

bool Log::draws() const { return state_->draws; }

int Log::columns() const {
  winsize size{};
  if (::ioctl(state_->fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUnknownColumns;
  return size.ws_col;
}

void Log::set_status(std::string_view line) {
  if (state_->draws) state_->sink->set_status(line);
}

}  // namespace snap::report
