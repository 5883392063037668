// How long a place may keep us waiting.
#pragma once

#include <chrono>
#include <stop_token>

namespace snap::dest {

struct Patience {
  std::chrono::milliseconds connect{10'000};  // name, connection, login or mount together
  std::chrono::milliseconds stall{
      60'000};           // without any progress; there is no limit on the whole time
  std::stop_token stop;  // asked while waiting: `cancelled`
};

}  // namespace snap::dest
