// The token that says who we are. It expires after an hour and is replaced in its file before that.
#pragma once

#include <chrono>
#include <string>

namespace snap::kube {

// Used by one thread at a time.
class Token {
 public:
  // `fixed` counts where `file` is empty.
  Token(std::string file, std::string fixed) : file_(std::move(file)), token_(std::move(fixed)) {}

  // Reads the file again when the last look is a minute old: kubernetes/client-go:
  // transport/token_source.go does the same. A file that is empty or cannot be read leaves the old
  // token. Empty: there is none.
  const std::string& at(std::chrono::steady_clock::time_point now);
  // The server refused it: look at once. Whether there is another one now.
  bool renew(std::chrono::steady_clock::time_point now);

 private:
  std::string file_, token_;
  std::chrono::steady_clock::time_point looked_{};
  bool ever_ = false;
};

}  // namespace snap::kube
