// How a call ended, by what the server says. Private to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace snap::etcd {

// What the server minds about who we are. 3.6 has codes for these; 3.4 and 3.5 answer some of them
// with code 2 and a text.
enum class AuthProblem { none, no_user, bad_token, no_permission };

// The status as the header lines tell it.
class GrpcStatus {
 public:
  // Takes the lines that matter; the last of a kind counts.
  void header(std::string_view name, std::string_view value);

  bool known() const { return code_.has_value(); }
  bool ok() const { return code_ == 0; }
  AuthProblem auth_problem() const;
  // The status as a Result; a missing one is a failure (`unavailable`).
  Result<void> result() const;

 private:
  std::optional<int> code_;
  std::string message_;  // decoded
};

// An HTTP status other than 200: no gRPC server sent it.
Error http_status_error(int status);

}  // namespace snap::etcd
