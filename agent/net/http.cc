#include "net/http.h"

#include <curl/curl.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "base/names.h"
#include "base/text.h"
#include "net/curl_error.h"
#include "net/curl_options.h"
#include "net/peer_check.h"

namespace snap::net {
namespace {

// How much one call of libcurl takes from a connection before it comes back: fewer calls of poll(2)
// per byte than with its 16 KiB, at the cost of as much memory.
constexpr long kReceiveBytes = 128L * 1024;

// How much OpenSSL takes from the connection at once: four records. Without it, it asks for the
// head and the body of each record of 16 KiB apart.
constexpr size_t kTlsReadBytes = 64 << 10;

// One exchange: what libcurl's callbacks work on. It must not move while it runs.
struct Exchange {
  Easy easy;
  Headers headers, connect_to;
  Request request;
  Receiver* receiver = nullptr;
  bool* delivered = nullptr;  // the Loop's: something came
  PeerCheck peer;
  std::array<char, CURL_ERROR_SIZE> error_text = {};
  Result<void> refused;  // by the receiver
  bool answered = false;
};

size_t on_header(char* bytes, size_t, size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  *exchange.delivered = true;
  exchange.answered = true;
  std::string_view line = trim({bytes, size});
  auto colon = line.find(':', 1);
  if (colon == line.npos || line.starts_with("HTTP/")) return size;
  try {
    exchange.receiver->header(lower_case(line.substr(0, colon)), trim(line.substr(colon + 1)));
  } catch (const std::exception&) {
    exchange.refused = fail(Code::internal, "no memory");
    return CURL_WRITEFUNC_ERROR;
  }
  return size;
}

size_t on_data(char* bytes, size_t, size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  *exchange.delivered = true;
  try {
    exchange.refused = exchange.receiver->data(as_bytes({bytes, size}));
  } catch (const std::exception&) {
    exchange.refused = fail(Code::internal, "no memory");
  }
  return exchange.refused ? size : CURL_WRITEFUNC_ERROR;
}

CURLcode on_tls_context(CURL*, void* context, void* user) {
  auto* tls = static_cast<SSL_CTX*>(context);
  // libcurl does the same from 8.15 on. Before, it does not see that OpenSSL holds whole records,
  // which only HTTP/2 puts up with: there it reads until nothing comes any more.
  SSL_CTX_set_read_ahead(tls, 1);
  SSL_CTX_set_default_read_buffer_len(tls, kTlsReadBytes);
  static_cast<Exchange*>(user)->peer.watch(tls);
  return CURLE_OK;
}

// The name that the server's certificate must have.
std::string checked_name(const Request& request) {
  if (!request.tls.server_name.empty()) return request.tls.server_name;
  return request.endpoint.unix_socket.empty() ? request.endpoint.host : "localhost";
}

// The URL names who must answer; where that is, CONNECT_TO says.
Result<std::string> target(Exchange& exchange) {
  const auto& endpoint = exchange.request.endpoint;
  auto bracketed = [](const std::string& host) {
    return host.contains(':') ? "[" + host + "]" : host;
  };
  auto scheme = std::string(endpoint.tls ? "https://" : "http://");
  auto port = endpoint.port == 0 ? std::string() : ":" + std::to_string(endpoint.port);
  auto name = checked_name(exchange.request);
  if (endpoint.unix_socket.empty() && name != endpoint.host)
    TRY(append(exchange.connect_to, "::" + bracketed(endpoint.host) + port));
  return scheme + bracketed(name) + port + exchange.request.path;
}

Result<void> prepare_tls(Exchange& exchange) {
  const auto& tls = exchange.request.tls;
  Options options(exchange.easy.get());
  options.set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2})
      .set(CURLOPT_SSL_VERIFYPEER, 1L)
      .set(CURLOPT_SSL_VERIFYHOST, 2L)
      .file(CURLOPT_CAINFO, tls.ca)
      .file(CURLOPT_SSLCERT, tls.cert)
      .file(CURLOPT_SSLKEY, tls.key)
      .set(CURLOPT_SSL_CTX_FUNCTION, &on_tls_context)
      .set(CURLOPT_SSL_CTX_DATA, &exchange);
  // The compiled-in directory of the system's CAs would be trusted beside our file.
  if (!tls.ca.empty()) options.set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
  return options.done();
}

Result<void> prepare(Exchange& exchange) {
  const auto& request = exchange.request;
  for (const auto& header : request.headers) TRY(append(exchange.headers, header));
  // libcurl adds these by itself; an empty value takes them away.
  TRY(append(exchange.headers, "Expect:"));
  TRY(append(exchange.headers, "Accept:"));
  auto url = TRY(target(exchange));
  Options options(exchange.easy.get());
  options.set(CURLOPT_URL, url.c_str())
      .set(CURLOPT_ERRORBUFFER, exchange.error_text.data())
      .set(CURLOPT_PRIVATE, &exchange)
      .set(CURLOPT_PROTOCOLS_STR, request.endpoint.tls ? "https" : "http")
      .set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE})
      .set(CURLOPT_PROXY, "")  // nothing out of the environment
      .set(CURLOPT_NOSIGNAL, 1L)
      .set(CURLOPT_QUICK_EXIT, 1L)  // a silent resolver does not hold us back
      .set(CURLOPT_FOLLOWLOCATION, 0L)
      .set(CURLOPT_FRESH_CONNECT, 1L)
      .set(CURLOPT_FORBID_REUSE, 1L)
      .set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()))
      .set(CURLOPT_TCP_KEEPALIVE, 1L)
      .set(CURLOPT_BUFFERSIZE, kReceiveBytes)
      .set(CURLOPT_USERAGENT, "etcd-snapshot")
      .set(CURLOPT_HTTPHEADER, exchange.headers.get())
      .set(CURLOPT_CONNECT_TO, exchange.connect_to.get())
      .file(CURLOPT_UNIX_SOCKET_PATH, request.endpoint.unix_socket)
      .set(CURLOPT_POST, 1L)
      .set(CURLOPT_POSTFIELDS, request.body.data())
      .set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()))
      .set(CURLOPT_HEADERFUNCTION, &on_header)
      .set(CURLOPT_HEADERDATA, &exchange)
      .set(CURLOPT_WRITEFUNCTION, &on_data)
      .set(CURLOPT_WRITEDATA, &exchange);
  TRY(options.done());
  return request.endpoint.tls ? prepare_tls(exchange) : Result<void>();
}

Result<int> verdict(Exchange& exchange, CURLcode code) {
  if (!exchange.refused) return std::unexpected(exchange.refused.error());
  long status = 0, os_error = 0;
  curl_easy_getinfo(exchange.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK) return static_cast<int>(status);
  curl_easy_getinfo(exchange.easy.get(), CURLINFO_OS_ERRNO, &os_error);
  Failure failure{.code = code,
                  .text = exchange.error_text.data(),
                  .os_error = os_error,
                  .checked_name = checked_name(exchange.request),
                  .answered = exchange.answered};
  return std::unexpected(connection_error(failure, exchange.request.endpoint, exchange.peer,
                                          exchange.request.connect_timeout));
}

}  // namespace

struct Loop::State {
  Multi multi;
  std::vector<std::unique_ptr<Exchange>> running;
  bool delivered = false;

  void end(CURL* easy, CURLcode code) {
    auto found = std::ranges::find(running, easy, [](const auto& e) { return e->easy.get(); });
    if (found == running.end()) return;
    auto exchange = std::move(*found);
    running.erase(found);
    curl_multi_remove_handle(multi.get(), easy);
    exchange->receiver->ended(verdict(*exchange, code));
  }

  void perform() {
    int still_running = 0;
    curl_multi_perform(multi.get(), &still_running);
    int left = 0;
    while (auto* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      delivered = true;
      end(message->easy_handle, message->data.result);
    }
  }
};

Loop::Loop() : state_(std::make_unique<State>()) {
  state_->multi = make_multi();
  // Each exchange is judged by its own connection: a reset of one must not reach another.
  if (state_->multi) curl_multi_setopt(state_->multi.get(), CURLMOPT_PIPELINING, 0L);
}

Loop::~Loop() {
  for (auto& exchange : state_->running)
    curl_multi_remove_handle(state_->multi.get(), exchange->easy.get());
}

Result<void> Loop::start(const Request& request, Receiver& receiver) {
  auto exchange = std::make_unique<Exchange>();
  exchange->easy.reset(curl_easy_init());
  if (!state_->multi || !exchange->easy) return fail(Code::internal, "libcurl does not start");
  exchange->request = request;
  exchange->receiver = &receiver;
  exchange->delivered = &state_->delivered;
  TRY(prepare(*exchange));
  if (curl_multi_add_handle(state_->multi.get(), exchange->easy.get()) != CURLM_OK)
    return fail(Code::internal, "libcurl does not start the exchange");
  state_->running.push_back(std::move(exchange));
  return {};
}

size_t Loop::step(std::chrono::milliseconds wait) {
  state_->delivered = false;
  state_->perform();
  if (!state_->delivered && !state_->running.empty() && wait.count() > 0) {
    curl_multi_poll(state_->multi.get(), nullptr, 0, static_cast<int>(wait.count()), nullptr);
    state_->perform();
  }
  return state_->running.size();
}

}  // namespace snap::net
