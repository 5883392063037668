// Child processes of tests. Every child dies with the test program and is reaped.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace snap::test {

struct Command {
  std::vector<std::string> argv;                // argv[0] is looked up in PATH
  std::map<std::string, std::string> env = {};  // added to, or replacing, our own
  std::string input = {};                       // stdin
  std::string directory = {};                   // working directory; empty: ours
  std::string output_file = {};                 // spawn() only: stdout and stderr go here, appended
  std::chrono::milliseconds timeout{60'000};    // run() only: SIGKILL afterwards
};

struct Finished {
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;
  bool timed_out = false;
  std::string out;
  std::string err;
  long peak_rss_kib = 0;
  double cpu_seconds = 0;   // user and system
  double wall_seconds = 0;  // of run()

  bool ok() const { return exit_code == 0; }
  std::string text() const;  // exit, stdout and stderr, for failure messages
};

// Runs to the end.
Finished run(const Command& command);

// A child in the background. The destructor kills it and waits for it.
class Process {
 public:
  Process() = default;
  explicit Process(const Command& command);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  bool running();  // reaps it when it ended
  void signal(int number);
  void pause();   // SIGSTOP
  void resume();  // SIGCONT
  // Sends the signal, and SIGKILL after `patience`; waits for the end.
  void stop(int number = 15, std::chrono::milliseconds patience = std::chrono::milliseconds(5'000));
  void kill() { stop(9); }
  // Waits for the end by itself; nothing when it still runs after `limit`. Without out and err.
  std::optional<Finished> wait(std::chrono::milliseconds limit);

 private:
  pid_t pid_ = -1;
  std::optional<Finished> ended_;
};

void short_nap();  // for wait_until

// Tests `done` every few milliseconds; false when it did not hold within `limit`.
template <class Done>
bool wait_until(Done done, std::chrono::milliseconds limit = std::chrono::milliseconds(10'000)) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    short_nap();
  }
  return true;
}

// Writes a small file; throws when it cannot.
void write_file(const std::string& path, const std::string& content);

std::string read_file(const std::string& path);  // empty when there is none

// Whether somebody takes TCP connections there.
bool listens(const std::string& address, int port);

// Different free TCP ports on loopback, below the ephemeral range so that no client socket takes
// one.
std::vector<int> free_ports(size_t count);

}  // namespace snap::test
