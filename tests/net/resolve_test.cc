#include "net/resolve.h"

#include <gmock/gmock.h>

#include "support/names.h"

namespace snap::net {
namespace {

using namespace std::chrono_literals;

TEST(Resolve, ALiteralAddressIsItself) {
  EXPECT_THAT(resolve("127.0.0.1", 5s, {}).value(), testing::ElementsAre("127.0.0.1"));
  EXPECT_THAT(resolve("::1", 5s, {}).value(), testing::ElementsAre("::1"));
}

TEST(Resolve, GivesEachAddressOnce) {
  auto addresses = resolve("localhost", 5s, {}).value();
  EXPECT_THAT(addresses, testing::Contains(testing::AnyOf("127.0.0.1", "::1")));
  EXPECT_LE(addresses.size(), 2U);
}

TEST(Resolve, NamesTheHostThatIsUnknown) {
  test::know_only_hosts();
  auto error = resolve("no-such-host.invalid", 20s, {}).error();
  EXPECT_THAT(error.message, testing::HasSubstr("no-such-host.invalid"));
  EXPECT_NE(error.code, Code::internal);
}

TEST(Resolve, StopsWhenToldTo) {
  test::know_only_hosts();
  std::stop_source stop;
  stop.request_stop();
  auto answer = resolve("no-such-host.invalid", 20s, stop.get_token());
  // A resolver that answers at once may be faster.
  EXPECT_TRUE(!answer &&
              (answer.error().code == Code::cancelled || answer.error().code == Code::not_found ||
               answer.error().code == Code::unavailable));
}

}  // namespace
}  // namespace snap::net
