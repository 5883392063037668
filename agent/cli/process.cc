#include "cli/process.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

#include "base/bytes.h"
#include "base/file.h"
#include "report/exit.h"

namespace snap::cli {
namespace {

// Proxies and trust come from the configuration only.
constexpr const char* kHostile[] = {
    "http_proxy",      "https_proxy",    "HTTPS_PROXY",      "HTTP_PROXY",    "all_proxy",
    "ALL_PROXY",       "no_proxy",       "NO_PROXY",         "SSLKEYLOGFILE", "SSL_CERT_FILE",
    "SSL_CERT_DIR",    "CURL_CA_BUNDLE", "CURL_SSL_BACKEND", "OPENSSL_CONF",  "OPENSSL_MODULES",
    "OPENSSL_ENGINES", "HOSTALIASES",    "LOCALDOMAIN",      "RES_OPTIONS"};

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  // A dropped session ends us cleanly too, unless nohup asked to be left alone.
  struct sigaction hangup{};
  if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
    ::sigaddset(&set, SIGHUP);
  return set;
}

// Memory that runs out inside a destructor (those of JSON values allocate) or on a thread is caught
// by nobody. What was begun is removed by the next run, as after a kill. Anything else is a bug.
[[noreturn]] void give_up() {
  try {
    if (auto thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    (void)write_full(STDERR_FILENO, as_bytes("etcd-snapshot: unexpected: out of memory\n"), "");
    ::_exit(static_cast<int>(report::Exit::unexpected));
  } catch (const std::exception& error) {
    (void)std::fputs(error.what(), stderr);
  } catch (...) {
    (void)std::fputs("unknown exception", stderr);
  }
  std::abort();
}

}  // namespace

void prepare_process() {
  std::set_terminate(&give_up);
  for (const auto* name : kHostile) ::unsetenv(name);
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= 2) fd = ::dup(fd);
  if (fd > 2) ::close(fd);
  ::umask(0077);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
}

StopOnSignal::StopOnSignal() {
  // Blocked here and so in every thread started later: only the waiter sees them.
  auto set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::jthread([this](std::stop_token ended) {
    auto signals = stop_signals();
    int signal = 0;
    while (::sigwait(&signals, &signal) == 0 && !ended.stop_requested()) stop_.request_stop();
  });
}

StopOnSignal::~StopOnSignal() {
  waiter_.request_stop();
  ::pthread_kill(waiter_.native_handle(), SIGTERM);
}

}  // namespace snap::cli
