// How long a place may keep us waiting.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

namespace snap::dest {

struct Patience {
  std::chrono::milliseconds connect{10'000};  // name, connection, login or mount together
  std::chrono::milliseconds stall{
      60'000};           // without any progress; there is no limit on the whole time
  std::stop_token stop;  // asked while waiting: `cancelled`
};

// What a server may be silent on top of the stall limit while it reads, joins or flushes so many
// bytes: 50 MB/s is slow for a disk.
constexpr std::chrono::milliseconds silence_for(uint64_t bytes) {
  return std::chrono::milliseconds(bytes / 50'000);
}

}  // namespace snap::dest
