#include "net/http1.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <format>
#include <ranges>

#include "base/names.h"
#include "base/text.h"
#include "net/curl_error.h"
#include "net/curl_options.h"
#include "net/peer_check.h"

namespace snap::net {
namespace {

using Clock = std::chrono::steady_clock;

// Fewer calls of read(2) and write(2) per byte than with libcurl's own sizes.
constexpr long kBufferBytes = 256L * 1024;
constexpr size_t kMaxHeadBytes = 64UL * 1024;
constexpr std::chrono::milliseconds kLook{100};  // how soon a stop is seen

}  // namespace

std::string_view Http1Head::header(std::string_view name) const {
  for (const auto& [key, value] : std::views::reverse(headers))
    if (key == name) return value;
  return {};
}

// What libcurl's callbacks work on.
struct Http1Client::State {
  Http1Settings settings;
  PeerCheck peer;  // outlives the connections of `multi`
  Multi multi = make_multi();
  Easy easy{curl_easy_init()};
  Headers headers, connect_to;
  Http1Request request;
  std::array<char, CURL_ERROR_SIZE> error_text = {};

  Http1Head head;
  size_t head_bytes = 0;
  bool head_done = false;
  size_t sent = 0;
  MutableBytes target;   // of the read() that runs
  size_t filled = 0;     // of target
  std::string leftover;  // what came with it and did not fit
  bool paused = false;
  bool connected = false;
  bool repeated = false;
  bool running = false;
  Result<void> verdict;  // once it does not run any more
  Clock::time_point progress;

  static size_t header_callback(char* bytes, size_t, size_t size, void* user);
  static size_t write_callback(char* bytes, size_t, size_t size, void* user);
  static size_t read_callback(char* into, size_t, size_t size, void* user);
  static int seek_callback(void* user, curl_off_t offset, int origin);
  static CURLcode tls_callback(CURL*, void* context, void* user);

  void on_header(std::string_view line);
  size_t on_data(std::string_view bytes);
  size_t on_read(char* into, size_t size);
  Result<void> prepare();
  Result<void> prepare_tls();
  void drop();
  void perform();
  Result<void> wait();
  Result<void> failure(CURLcode code);
};

size_t Http1Client::State::header_callback(char* bytes, size_t, size_t size, void* user) {
  auto& state = *static_cast<State*>(user);
  state.head_bytes += size;
  if (state.head_bytes > kMaxHeadBytes) return CURL_WRITEFUNC_ERROR;
  try {
    state.on_header({bytes, size});
  } catch (const std::exception&) {
    return CURL_WRITEFUNC_ERROR;
  }
  return size;
}

size_t Http1Client::State::write_callback(char* bytes, size_t, size_t size, void* user) {
  try {
    return static_cast<State*>(user)->on_data({bytes, size});
  } catch (const std::exception&) {
    return CURL_WRITEFUNC_ERROR;
  }
}

size_t Http1Client::State::read_callback(char* into, size_t, size_t size, void* user) {
  return static_cast<State*>(user)->on_read(into, size);
}

// libcurl starts the body again where a kept connection proved dead.
int Http1Client::State::seek_callback(void* user, curl_off_t offset, int origin) {
  auto& state = *static_cast<State*>(user);
  if (origin != SEEK_SET || offset < 0 || static_cast<size_t>(offset) > state.request.body.size())
    return CURL_SEEKFUNC_FAIL;
  state.repeated = state.repeated || state.sent > 0;
  state.sent = static_cast<size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

CURLcode Http1Client::State::tls_callback(CURL*, void* context, void* user) {
  static_cast<State*>(user)->peer.watch(static_cast<SSL_CTX*>(context));
  return CURLE_OK;
}

void Http1Client::State::on_header(std::string_view line) {
  progress = Clock::now();
  if (line.starts_with("HTTP/")) {  // of an interim answer, a proxy's, or the real one
    head.headers.clear();
    return;
  }
  line = trim(line);
  if (line.empty()) {
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    head.status = static_cast<int>(status);
    head_done = status >= 200;
    return;
  }
  auto colon = line.find(':');
  if (colon != line.npos)
    head.headers.emplace_back(lower_case(line.substr(0, colon)), trim(line.substr(colon + 1)));
}

size_t Http1Client::State::on_data(std::string_view bytes) {
  progress = Clock::now();
  if (filled == target.size()) {
    paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  auto n = std::min(bytes.size(), target.size() - filled);
  std::memcpy(target.data() + filled, bytes.data(), n);
  filled += n;
  leftover.append(bytes.substr(n));
  return bytes.size();
}

size_t Http1Client::State::on_read(char* into, size_t size) {
  auto n = std::min(size, request.body.size() - sent);
  std::memcpy(into, request.body.data() + sent, n);
  sent += n;
  progress = Clock::now();
  return n;
}

Result<void> Http1Client::State::prepare_tls() {
  const auto& tls = settings.tls;
  Options options(easy.get());
  options.set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2})
      .set(CURLOPT_SSL_VERIFYPEER, 1L)
      .set(CURLOPT_SSL_VERIFYHOST, 2L)
      .file(CURLOPT_CAINFO, tls.ca)
      .file(CURLOPT_SSLCERT, tls.cert)
      .file(CURLOPT_SSLKEY, tls.key)
      .set(CURLOPT_SSL_CTX_FUNCTION, &tls_callback)
      .set(CURLOPT_SSL_CTX_DATA, this);
  // The compiled-in directory of the system's CAs would be trusted beside our file.
  if (!tls.ca.empty()) options.set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
  return options.done();
}

Result<void> Http1Client::State::prepare() {
  if (!multi || !easy) return fail(Code::internal, "libcurl does not start");
  curl_easy_reset(easy.get());
  headers.reset();
  for (const auto& header : request.headers) TRY(append(headers, header));
  // libcurl adds these by itself; an empty value takes them away. "Expect" costs a round trip, and
  // some proxies refuse it with 417.
  for (const auto* name : {"Expect:", "Accept:"}) TRY(append(headers, name));
  // The URL names who must answer; where that is, CONNECT_TO says.
  auto named = request.endpoint;
  connect_to.reset();
  if (!settings.tls.server_name.empty() && named.tls) {
    auto where = named.host.contains(':') ? "[" + named.host + "]" : named.host;
    TRY(append(connect_to, std::format("::{}:{}", where, named.port)));
    named.host = settings.tls.server_name;
  }
  auto url = named.url() + request.target;
  bool sends = request.method == "PUT" || request.method == "POST";
  Options options(easy.get());
  options.set(CURLOPT_URL, url.c_str())
      .set(CURLOPT_PATH_AS_IS, 1L)
      .set(CURLOPT_ERRORBUFFER, error_text.data())
      .set(CURLOPT_PROTOCOLS_STR, request.endpoint.tls ? "https" : "http")
      .set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1})
      .set(CURLOPT_PROXY, settings.proxy.c_str())  // "" also turns the environment's off
      .set(CURLOPT_NOPROXY, "")
      .set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L)
      .set(CURLOPT_NOSIGNAL, 1L)
      .set(CURLOPT_QUICK_EXIT, 1L)  // a silent resolver does not hold us back
      .set(CURLOPT_FOLLOWLOCATION, 0L)
      .set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect.count()))
      .set(CURLOPT_TCP_KEEPALIVE, 1L)
      .set(CURLOPT_BUFFERSIZE, kBufferBytes)
      .set(CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes)
      .set(CURLOPT_USERAGENT, "etcd-snapshot")
      .set(CURLOPT_HTTPHEADER, headers.get())
      .set(CURLOPT_CONNECT_TO, connect_to.get())
      .set(CURLOPT_HEADERFUNCTION, &header_callback)
      .set(CURLOPT_HEADERDATA, this)
      .set(CURLOPT_WRITEFUNCTION, &write_callback)
      .set(CURLOPT_WRITEDATA, this);
  if (sends) {
    options.set(CURLOPT_UPLOAD, 1L)
        .set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()))
        .set(CURLOPT_READFUNCTION, &read_callback)
        .set(CURLOPT_READDATA, this)
        .set(CURLOPT_SEEKFUNCTION, &seek_callback)
        .set(CURLOPT_SEEKDATA, this);
  }
  if (request.method == "HEAD") options.set(CURLOPT_NOBODY, 1L);
  if (request.method != "GET" && request.method != "HEAD" && request.method != "PUT")
    options.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  TRY(options.done());
  return request.endpoint.tls ? prepare_tls() : Result<void>();
}

void Http1Client::State::drop() {
  if (running) curl_multi_remove_handle(multi.get(), easy.get());
  running = false;
}

Result<void> Http1Client::State::failure(CURLcode code) {
  if (code == CURLE_OK) return {};
  if (head_bytes > kMaxHeadBytes) return fail(Code::corrupt, "the head of the answer is too long");
  long os_error = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_OS_ERRNO, &os_error);
  Failure failure{.code = code,
                  .text = error_text.data(),
                  .os_error = os_error,
                  .checked_name = settings.tls.server_name.empty() ? request.endpoint.host
                                                                   : settings.tls.server_name,
                  .answered = head_done,
                  .etcd = false};
  return std::unexpected(connection_error(failure, request.endpoint, peer, settings.connect));
}

void Http1Client::State::perform() {
  int still_running = 0, left = 0;
  curl_multi_perform(multi.get(), &still_running);
  curl_off_t began = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_PRETRANSFER_TIME_T, &began);
  if (!connected && began > 0) {
    connected = true;
    progress = Clock::now();
  }
  while (auto* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    auto code = message->data.result;
    drop();
    verdict = failure(code);
    return;
  }
}

// Waits until there is something to do, for a short time. An Error ends the exchange.
Result<void> Http1Client::State::wait() {
  if (settings.stop.stop_requested()) {
    drop();
    return fail(Code::cancelled, "told to stop");
  }
  // Until the connection stands libcurl watches the time.
  if (connected && Clock::now() - progress > request.stall) {
    drop();
    return fail(Code::timeout,
                std::format("no progress for {} s",
                            std::chrono::ceil<std::chrono::seconds>(request.stall).count()),
                "is the server overloaded, or does a firewall drop the packets?");
  }
  curl_multi_poll(multi.get(), nullptr, 0, static_cast<int>(kLook.count()), nullptr);
  return {};
}

Http1Client::Http1Client(Http1Settings settings) : state_(std::make_unique<State>()) {
  state_->settings = std::move(settings);
}

Http1Client::~Http1Client() { state_->drop(); }

Result<Http1Head> Http1Client::begin(const Http1Request& request) {
  auto& state = *state_;
  state.drop();
  state.request = request;
  state.peer = {};
  state.error_text = {};
  state.head = {};
  state.head_bytes = state.sent = state.filled = 0;
  state.head_done = state.paused = state.connected = state.repeated = false;
  state.target = {};
  state.leftover.clear();
  state.verdict = {};
  TRY(state.prepare());
  if (curl_multi_add_handle(state.multi.get(), state.easy.get()) != CURLM_OK)
    return fail(Code::internal, "libcurl does not start the exchange");
  state.running = true;
  state.progress = Clock::now();
  // A body in one packet with the head pauses the transfer until read() is called.
  while (true) {
    state.perform();
    auto answered = state.head_done && (state.paused || state.sent == request.body.size());
    if (!state.running || answered) break;
    TRY(state.wait());
  }
  if (!state.running && !state.verdict) return std::unexpected(state.verdict.error());
  if (!state.head_done) return fail(Code::unavailable, "the server closed without an answer");
  state.head.repeated = state.repeated;
  return state.head;
}

Result<size_t> Http1Client::read(MutableBytes into) {
  auto& state = *state_;
  if (!state.leftover.empty()) {
    auto n = std::min(into.size(), state.leftover.size());
    std::memcpy(into.data(), state.leftover.data(), n);
    state.leftover.erase(0, n);
    return n;
  }
  state.target = into;
  state.filled = 0;
  state.progress = Clock::now();
  if (state.running && state.paused) {
    state.paused = false;
    curl_easy_pause(state.easy.get(), CURLPAUSE_CONT);  // may deliver at once
  }
  Result<void> waited;
  while (state.running && state.filled == 0 && waited) {
    state.perform();
    if (state.running && state.filled == 0) waited = state.wait();
  }
  auto n = state.filled;
  state.target = {};
  state.filled = 0;
  TRY(std::move(waited));
  if (n == 0 && !state.verdict) return std::unexpected(state.verdict.error());
  return n;
}

Result<Http1Reply> Http1Client::ask(const Http1Request& request, size_t max_body_bytes) {
  Http1Reply reply;
  reply.head = TRY(begin(request));
  std::array<std::byte, 16384> buffer;
  while (auto n = TRY(read(buffer))) {
    if (reply.body.size() + n > max_body_bytes) {
      state_->drop();
      return fail(Code::corrupt, std::format("the answer is longer than {} bytes", max_body_bytes));
    }
    reply.body.append(as_text(Bytes(buffer).first(n)));
  }
  return reply;
}

}  // namespace snap::net
