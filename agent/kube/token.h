// The token that says who we are. It expires after an hour and is replaced in its file before that.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace snap::kube {

// Used by one thread at a time.
class Token {
 public:
  // `fixed` counts where `file` is empty or gives none.
  Token(std::string file, std::string fixed) : file_(std::move(file)), token_(std::move(fixed)) {}

  // Reads the file again when the last look is a minute old: kubernetes/client-go:
  // transport/token_source.go does the same. A file that is empty or cannot be read leaves the old
  // token. Empty: none is configured.
  //
  // Errors: denied  there is a file, and no token could be read from it yet
  Result<std::string> at(std::chrono::steady_clock::time_point now);
  // The server refused it: look at once. Whether there is another one now.
  bool renew(std::chrono::steady_clock::time_point now);

 private:
  Result<std::string> read() const;

  std::string file_, token_;
  Result<void> last_read_;
  std::chrono::steady_clock::time_point looked_{};
  bool ever_ = false;
};

}  // namespace snap::kube
