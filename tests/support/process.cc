#include "support/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>

#include "base/file.h"

extern char** environ;

namespace snap::test {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void broken(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

struct Pipe {
  Fd read, write;
  Pipe() {
    std::array<int, 2> ends;
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) broken("pipe");
    read = Fd(ends[0]);
    write = Fd(ends[1]);
  }
};

// argv or environment for exec, made before the fork: nothing is allocated after it.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> out;
  for (auto** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    if (!changes.contains(text.substr(0, text.find('=')))) out.push_back(std::move(text));
  }
  for (const auto& [name, value] : changes)
    out.push_back(std::string(name).append("=").append(value));
  return out;
}

// Forks and executes; -1 for a descriptor leaves ours in its place.
pid_t launch(const Command& command, int in, int out, int err) {
  auto args = command.argv;
  auto env = environment(command.env);
  auto argv = pointers(args);
  auto envp = pointers(env);
  auto parent = ::getpid();
  auto pid = ::fork();
  if (pid < 0) broken("fork");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(126);  // it died before the line above
  ::setpgid(0, 0);
  if (in >= 0) ::dup2(in, 0);
  if (out >= 0) ::dup2(out, 1);
  if (err >= 0) ::dup2(err, 2);
  if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) ::_exit(126);
  ::execvpe(argv[0], argv.data(), envp.data());
  constexpr std::string_view kText = "cannot execute\n";
  [[maybe_unused]] auto n = ::write(2, kText.data(), kText.size());
  ::_exit(127);
}

Finished outcome(int status, const rusage& usage) {
  Finished done;
  if (WIFEXITED(status)) done.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) done.signal = WTERMSIG(status);
  done.peak_rss_kib = usage.ru_maxrss;
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  done.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  return done;
}

// Moves bytes between the pipes and the strings until both outputs are closed or time is up.
void exchange(const std::string& input, Fd in, Fd out, Fd err, Finished& done,
              Clock::time_point end) {
  size_t sent = 0;
  if (input.empty()) in = Fd();
  std::array<char, 65536> buffer;
  while (out || err) {
    std::array<pollfd, 3> fds = {pollfd{in.get(), POLLOUT, 0}, pollfd{out.get(), POLLIN, 0},
                                 pollfd{err.get(), POLLIN, 0}};
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return;
    if (::poll(fds.data(), fds.size(), static_cast<int>(left)) < 0 && errno != EINTR)
      broken("poll");
    if (fds[0].revents != 0) {
      auto n = ::write(in.get(), input.data() + sent, input.size() - sent);
      if (n > 0) sent += static_cast<size_t>(n);
      if (sent == input.size() || (n < 0 && errno != EAGAIN)) in = Fd();
    }
    for (auto [fd, text, events] : {std::tuple{&out, &done.out, fds[1].revents},
                                    std::tuple{&err, &done.err, fds[2].revents}}) {
      if (events == 0) continue;
      auto n = ::read(fd->get(), buffer.data(), buffer.size());
      if (n > 0) text->append(buffer.data(), static_cast<size_t>(n));
      if (n <= 0) *fd = Fd();
    }
  }
}

}  // namespace

std::string Finished::text() const {
  auto how = timed_out ? "timed out"
             : signal  ? "signal " + std::to_string(signal)
                       : "exit " + std::to_string(exit_code);
  return how + "\nstdout: " + out + "\nstderr: " + err;
}

Finished run(const Command& command) {
  ::signal(SIGPIPE, SIG_IGN);
  auto begin = Clock::now();
  auto end = begin + command.timeout;
  Pipe in, out, err;
  ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
  auto pid = launch(command, in.read.get(), out.write.get(), err.write.get());
  in.read = Fd();
  out.write = Fd();
  err.write = Fd();
  Finished texts;
  exchange(command.input, std::move(in.write), std::move(out.read), std::move(err.read), texts,
           end);
  int status = 0;
  rusage usage = {};
  while (::wait4(pid, &status, WNOHANG, &usage) == 0) {
    if (Clock::now() >= end) {
      texts.timed_out = true;
      ::kill(pid, SIGKILL);
      ::wait4(pid, &status, 0, &usage);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  auto done = outcome(status, usage);
  done.wall_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  done.timed_out = texts.timed_out;
  done.out = std::move(texts.out);
  done.err = std::move(texts.err);
  return done;
}

Process::Process(const Command& command) {
  Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Fd out;
  if (!command.output_file.empty()) {
    out = Fd(::open(command.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!out) broken(command.output_file);
  }
  pid_ = launch(command, null.get(), out.get(), out.get());
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), ended_(std::exchange(other.ended_, {})) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(ended_, other.ended_);
  return *this;
}

Process::~Process() { kill(); }

bool Process::running() { return pid_ > 0 && !wait(std::chrono::milliseconds(0)); }

void Process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

void Process::pause() { signal(SIGSTOP); }
void Process::resume() { signal(SIGCONT); }

void Process::stop(int number, std::chrono::milliseconds patience) {
  if (!running()) return;
  ::kill(pid_, number);
  ::kill(pid_, SIGCONT);
  if (wait(patience)) return;
  ::kill(pid_, SIGKILL);
  wait(std::chrono::hours(1));
}

std::optional<Finished> Process::wait(std::chrono::milliseconds limit) {
  if (ended_) return ended_;
  auto end = Clock::now() + limit;
  int status = 0;
  rusage usage = {};
  while (pid_ > 0) {
    auto pid = ::wait4(pid_, &status, WNOHANG, &usage);
    if (pid == pid_) return ended_ = outcome(status, usage);
    if (pid < 0) break;  // not our child: nothing to wait for
    if (Clock::now() >= end) break;
    short_nap();
  }
  return {};
}

void short_nap() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

void write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  if (!file.flush()) broken(path);
}

std::vector<int> free_ports(size_t count) {
  static std::mt19937 random(std::random_device{}());
  std::vector<Fd> held;
  std::vector<int> ports;
  while (ports.size() < count) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto port = std::uniform_int_distribution(15000, 31999)(random);
    address.sin_port = htons(static_cast<uint16_t>(port));
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) continue;
    held.push_back(std::move(fd));
    ports.push_back(port);
  }
  return ports;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool listens(const std::string& address, int port) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(static_cast<uint16_t>(port))};
  ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  bool ok = ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  ::close(fd);
  return ok;
}

}  // namespace snap::test
