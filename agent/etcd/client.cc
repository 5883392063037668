#include "etcd/client.h"

#include "base/file.h"
#include "base/text.h"
#include "etcd/messages.h"
#include "etcd/session.h"
#include "etcd/survey.h"

namespace snap::etcd {

Result<Client> Client::create(ClientConfig config) {
  if (config.endpoints.empty()) return fail(Code::invalid, "no endpoint of etcd is set");
  for (const auto& endpoint : config.endpoints) {
    auto parsed = TRY(parse(endpoint, config));
    TRY(require_safe_password(parsed, config));
  }
  TRY(net::check(config.tls));
  if (config.username.empty() && !config.password_file.empty())
    return fail(Code::invalid, "a password file without a user name");
  if (!config.password_file.empty()) {
    auto password = read_small_file(config.password_file, 4096);
    if (!password)
      return fail(Code::invalid, password.error().message,
                  "the password file must be one that this user can read");
  }
  return Client(std::make_shared<Session>(std::move(config)));
}

Result<Survey> Client::survey() { return ask_all(*session_, session_->config().endpoints); }

Result<Survey> Client::survey(const std::vector<std::string>& endpoints) {
  return ask_all(*session_, endpoints);
}

Result<MemberStatus> Client::status(const std::string& endpoint) {
  auto answer =
      TRY(session_->call({endpoint, kStatusMethod, "", session_->config().connect_timeout}));
  auto status = TRY(decode_status(answer).context(redacted_url(endpoint)));
  status.endpoint = endpoint;
  return status;
}

// The member reads its whole database for it, so this may take as long as a snapshot's first byte.
Result<HashKv> Client::hash_kv(const std::string& endpoint, int64_t revision,
                               std::optional<std::chrono::milliseconds> limit) {
  auto answer = TRY(session_->call({endpoint, kHashKvMethod, encode_hash_kv_request(revision),
                                    limit.value_or(session_->config().stall_timeout)}));
  return decode_hash_kv(answer).context(redacted_url(endpoint));
}

// Text: etcd-io/etcd@v3.6.14:api/v3rpc/rpctypes/error.go; the same in 3.4 and 3.5.
bool is_future_revision(const Error& error) {
  return error.code == Code::not_found && error.message.contains("future revision");
}

std::unique_ptr<SnapshotStream> Client::snapshot(const std::string& endpoint) {
  return open_stream(session_, endpoint);
}

}  // namespace snap::etcd
