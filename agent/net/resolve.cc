#include "net/resolve.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <format>
#include <memory>

#include "base/text.h"

namespace snap::net {
namespace {

// What the resolver works on. It may go on after we stopped waiting: then it is left to it for
// good.
struct Question {
  std::string host;
  addrinfo hints{.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  gaicb request{};
  ~Question() {
    if (request.ar_result) ::freeaddrinfo(request.ar_result);
  }
};

Result<std::vector<std::string>> answer_of(const Question& question) {
  std::vector<std::string> addresses;
  for (const auto* info = question.request.ar_result; info; info = info->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(info->ai_addr, info->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0)
      continue;
    if (!std::ranges::contains(addresses, text.data())) addresses.emplace_back(text.data());
  }
  if (addresses.empty())
    return fail(Code::not_found, std::format("{} has no address", escaped(question.host)));
  return addresses;
}

}  // namespace

Result<std::vector<std::string>> resolve(const std::string& host, std::chrono::milliseconds limit,
                                         const std::stop_token& stop) {
  using Clock = std::chrono::steady_clock;
  constexpr timespec kSlice{.tv_sec = 0, .tv_nsec = 50'000'000};
  auto question = std::make_unique<Question>();
  question->host = host;
  question->request.ar_name = question->host.c_str();
  question->request.ar_request = &question->hints;
  std::array<gaicb*, 1> list{&question->request};
  auto end = Clock::now() + limit;
  int asked = ::getaddrinfo_a(GAI_NOWAIT, list.data(), 1, nullptr);
  if (asked != 0)
    return fail(Code::unavailable,
                std::format("resolve {}: {}", escaped(host), ::gai_strerror(asked)));
  int state = EAI_INPROGRESS;
  while ((state = ::gai_error(&question->request)) == EAI_INPROGRESS) {
    bool stopped = stop.stop_requested();
    if (stopped || Clock::now() >= end) {
      if (::gai_cancel(&question->request) == EAI_NOTCANCELED) [[maybe_unused]]
        auto* left_to_the_resolver = question.release();
      if (stopped) return fail(Code::cancelled, "interrupted");
      return fail(Code::timeout,
                  std::format("resolve {}: no answer from the resolver for {}", escaped(host),
                              human_duration(std::chrono::ceil<std::chrono::seconds>(limit))),
                  "name the server by its address, or look at /etc/resolv.conf");
    }
    std::array<const gaicb*, 1> waiting{&question->request};
    ::gai_suspend(waiting.data(), 1, &kSlice);
  }
  if (state == 0) return answer_of(*question);
  auto code = state == EAI_NONAME || state == EAI_NODATA ? Code::not_found : Code::unavailable;
  return fail(code, std::format("resolve {}: {}", escaped(host), ::gai_strerror(state)),
              "look at the spelling and at /etc/resolv.conf");
}

}  // namespace snap::net
