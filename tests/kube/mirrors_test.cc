// Which nodes become mirrors.
#include "kube/mirrors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace snap::kube {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Names = std::vector<std::string>;

Node master(const std::string& name, Names addresses = {"10.0.0.1"}) {
  return {.name = name, .internal_ips = std::move(addresses), .ready = true, .control_plane = true};
}

Names names(const Mirrors& mirrors) {
  Names all;
  for (const auto& mirror : mirrors.chosen) all.push_back(mirror.name);
  return all;
}

TEST(Mirrors, AreEachTakenOnceByName) {
  auto mirrors = choose_mirrors({master("b"), master("a"), master("b")}, {});
  EXPECT_THAT(names(mirrors), ElementsAre("a", "b"));
  EXPECT_THAT(mirrors.passed_over, IsEmpty());
}

TEST(Mirrors, AreNodesOfTheControlPlaneUnlessTypedOut) {
  auto worker = master("w");
  worker.control_plane = false;
  auto mirrors = choose_mirrors({master("a"), worker}, {});
  EXPECT_THAT(names(mirrors), ElementsAre("a"));
  ASSERT_EQ(mirrors.passed_over.size(), 1U);
  EXPECT_EQ(mirrors.passed_over[0].name, "w");
  EXPECT_FALSE(mirrors.passed_over[0].ourselves);
  EXPECT_THAT(mirrors.passed_over[0].why, testing::HasSubstr("no node of the control plane"));
  EXPECT_THAT(names(choose_mirrors({worker}, {.any_node = true})), ElementsAre("w"));
}

TEST(Mirrors, AreNeverThisNode) {
  auto by_name = choose_mirrors({master("a"), master("b")}, {.own_name = "a"});
  EXPECT_THAT(names(by_name), ElementsAre("b"));
  ASSERT_EQ(by_name.passed_over.size(), 1U);
  EXPECT_TRUE(by_name.passed_over[0].ourselves);
  auto by_address = choose_mirrors({master("a", {"10.0.0.1", "fd00::1"}), master("b")},
                                   {.own_name = "a.example.com", .own_addresses = {"fd00::1"}});
  EXPECT_THAT(names(by_address), ElementsAre("b"));
}

TEST(Mirrors, AreReachedAtTheirFirstInternalAddressElseByName) {
  auto mirrors = choose_mirrors(
      {master("a", {"10.0.0.9", "fd00::9"}), master("b", {}), master("c.other.com", {})},
      {.base_domain = "example.com"});
  ASSERT_EQ(mirrors.chosen.size(), 3U);
  EXPECT_EQ(mirrors.chosen[0].host, "10.0.0.9");
  EXPECT_THAT(mirrors.chosen[0].known_as, ElementsAre("a", "a.example.com"));
  EXPECT_EQ(mirrors.chosen[1].host, "b.example.com");
  EXPECT_EQ(mirrors.chosen[2].host, "c.other.com");
  EXPECT_THAT(mirrors.chosen[2].known_as, ElementsAre("c.other.com"));
}

TEST(Mirrors, AreTakenReadyOrNotAndSaySo) {
  auto down = master("b");
  down.ready = false;
  auto silent = master("c");
  silent.ready.reset();
  auto mirrors = choose_mirrors({master("a"), down, silent}, {});
  ASSERT_EQ(mirrors.chosen.size(), 3U);
  EXPECT_EQ(mirrors.chosen[0].state, "ready");
  EXPECT_EQ(mirrors.chosen[1].state, "not ready");
  EXPECT_EQ(mirrors.chosen[2].state, "not reporting");
}

}  // namespace
}  // namespace snap::kube
