#include "etcd/grpc_status.h"

#include <charconv>

#include "base/text.h"
#include "wire/grpc.h"

namespace snap::etcd {
namespace {

// Numbers: grpc/grpc:doc/statuscodes.md.
enum GrpcCode {
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kPermissionDenied = 7,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kUnauthenticated = 16
};

constexpr size_t kMaxMessageBytes = 1000;

Error auth_error(AuthProblem problem, const std::string& text) {
  switch (problem) {
    case AuthProblem::no_user:
      return {Code::denied, text,
              "authentication is on: set username and password file, or use a client certificate "
              "whose CN is an etcd user with the role root"};
    case AuthProblem::no_permission:
      return {Code::denied, text, "a snapshot needs an etcd user with the role root"};
    default: return {Code::denied, text, ""};
  }
}

}  // namespace

void GrpcStatus::header(std::string_view name, std::string_view value) {
  if (name == "grpc-message") message_ = wire::percent_decoded(value.substr(0, kMaxMessageBytes));
  if (name != "grpc-status") return;
  int code = -1;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), code);
  code_ = error == std::errc() && end == value.data() + value.size() ? code : -1;
}

AuthProblem GrpcStatus::auth_problem() const {
  if (ok()) return AuthProblem::none;
  if (message_.contains("user name is empty")) return AuthProblem::no_user;
  // "old": roles or users changed since the token was given out.
  if (code_ == kUnauthenticated || message_.contains("invalid auth token") ||
      message_.contains("revision of auth store is old") ||
      message_.contains("revision in header is old"))
    return AuthProblem::bad_token;
  if (code_ == kPermissionDenied || message_.contains("permission denied"))
    return AuthProblem::no_permission;
  return AuthProblem::none;
}

Result<void> GrpcStatus::result() const {
  if (!code_)
    return fail(Code::unavailable, "the answer ended without a status: it was cut on the way");
  if (ok()) return {};
  auto text = message_.empty() ? "grpc-status " + std::to_string(*code_) : escaped(message_);
  if (auto problem = auth_problem(); problem != AuthProblem::none)
    return std::unexpected(auth_error(problem, text));
  if (message_.contains("authentication failed"))
    return fail(Code::denied, text, "check the user's name and password");
  if (message_.contains("not supported for learner"))
    return fail(Code::denied, text, "a learner has no vote yet; ask another member");
  switch (*code_) {
    case kInvalidArgument: return fail(Code::denied, text);
    case kDeadlineExceeded: return fail(Code::timeout, text);
    case kNotFound:
    case kOutOfRange: return fail(Code::not_found, text);
    case kUnimplemented:
      return fail(Code::denied, text,
                  "this is no etcd, or a proxy that does not pass the maintenance service on; use "
                  "the member's own client port");
    default: return fail(Code::unavailable, text);
  }
}

Error http_status_error(int status) {
  auto text = "HTTP status " + std::to_string(status) + " instead of an answer over gRPC";
  if (status >= 500)
    return {Code::unavailable, text, "something in front of etcd answers; ask the member itself"};
  return {Code::unavailable, text,
          "this port does not speak etcd's gRPC; use etcd's client port, usually 2379"};
}

}  // namespace snap::etcd
