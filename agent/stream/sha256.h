// SHA-256 while bytes flow by.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace snap::stream {

using Digest = std::array<std::byte, 32>;

class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256& other);  // continues from the same state
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();

  void update(Bytes data);
  // The digest of all bytes so far; more may follow.
  Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(Bytes data);

}  // namespace snap::stream
