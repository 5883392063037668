#include "net/backoff.h"

#include <gtest/gtest.h>

namespace snap::net {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToItsLimit) {
  Backoff backoff(100ms, 350ms);
  for (auto limit : {100ms, 200ms, 350ms, 350ms}) {
    auto pause = backoff.next();
    EXPECT_GE(pause, limit / 2);
    EXPECT_LE(pause, limit);
  }
}

TEST(Pause, EndsAtOnceWhenToldToStop) {
  std::stop_source stop;
  EXPECT_TRUE(pause(1ms, stop.get_token()));
  stop.request_stop();
  EXPECT_EQ(pause(1h, stop.get_token()).error().code, Code::cancelled);
}

}  // namespace
}  // namespace snap::net
