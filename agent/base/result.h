// Expected failures as values.
//
// An Error carries what the caller may do about it (its code), what happened to which thing, and a
// hint for a person. Exceptions are left for bugs and for memory that ran out.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace snap {

enum class Code {
  invalid,      // what was asked for is wrong: configuration, arguments, names
  not_found,    // the thing is not there
  exists,       // the name is taken
  denied,       // permission or credentials
  unavailable,  // the other side does not answer or is not healthy; another try may succeed
  busy,         // somebody uses the thing right now; nothing was touched
  timeout,      // no progress within the limit; another try may succeed
  no_space,     // the place is full: space, quota or inodes
  corrupt,      // the bytes are not what they must be
  cancelled,    // we were told to stop
  internal      // anything else, I/O errors of the local disk among them
};

// "no_space": for JSON and tests.
std::string_view name_of(Code code);

struct Error {
  Code code = Code::internal;
  std::string message;  // lower case, no full stop: "create /b/x.part: no space left on device"
  std::string
      hint;  // optional sentence: what a person should try; empty when there is nothing to say

  bool retryable() const { return code == Code::unavailable || code == Code::timeout; }
};

// "message" or "message (hint)".
std::string describe(const Error& error);

// A failure, ready to be returned from any function that returns a Result.
inline std::unexpected<Error> fail(Code code, std::string message, std::string hint = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(hint)});
}

// std::expected that must be looked at, with context added on the way up.
template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;

  // Puts "doing: " before the message of an error; a value passes unchanged.
  Result context(std::string_view doing) && {
    if (!this->has_value()) this->error().message.insert(0, std::string(doing) + ": ");
    return std::move(*this);
  }

  // The value, moved out. Only for TRY, which has looked before.
  T take() && {
    if constexpr (!std::is_void_v<T>) return std::move(**this);
  }
};

}  // namespace snap

// Yields the value of a Result, or returns its Error from this function. One per statement, never
// nested.
#define TRY(...)                                                                      \
  __extension__({                                                                     \
    auto snap_try_result = (__VA_ARGS__);                                             \
    if (!snap_try_result) return std::unexpected(std::move(snap_try_result).error()); \
    std::move(snap_try_result).take();                                                \
  })
