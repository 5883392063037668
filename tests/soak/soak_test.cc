// Sequences of three to ten commands, each with a fault drawn by chance or none. After every
// command the invariants hold, and at the end a run without a fault repairs what is left.
//
// SNAP_SOAK_SEQUENCES says how many (100). SNAP_TEST_SEED repeats one: its seed is printed with
// what did not hold, and then only that sequence runs.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <format>
#include <iostream>
#include <random>

#include "base/text.h"
#include "soak/faults.h"

namespace snap::soak {
namespace {

constexpr unsigned kKeepLast = 2;

void play(crash::Watched& first, unsigned seed) {
  // A directory of its own for each sequence, on the server that all of them use.
  crash::Watched watched(first.rig.server(), kKeepLast);
  Sequence sequence(watched, seed);
  auto trace = [&] {
    return std::format(
        "sequence {}\nrepeat it with: SNAP_TEST_SEED={} scripts/root ctest --preset release -R "
        "'^soak'\nwhat happened:\n  {}",
        seed, seed, join(sequence.story, "\n  "));
  };
  auto count = 3 + sequence.draw(8);
  for (unsigned i = 0; i < count; ++i) {
    const auto& fault = sequence.one_of(all_faults());
    sequence.story.push_back(fault.name);
    fault.happens(sequence);
    if (testing::Test::HasFailure()) break;
  }
  if (!testing::Test::HasFailure()) {
    sequence.story.emplace_back("the end");
    watched.succeeds({"run"});
    watched.rig.expect_tidy();
    watched.expect_at_end();
  }
  if (testing::Test::HasFailure()) ADD_FAILURE() << trace();
}

TEST(Soak, InvariantsHoldAfterAnySequenceOfFaults) {
  const auto* wanted = std::getenv("SNAP_SOAK_SEQUENCES");
  auto sequences = wanted ? std::strtoul(wanted, nullptr, 10) : 100;
  const auto* one = std::getenv("SNAP_TEST_SEED");
  std::vector<unsigned> seeds;
  if (one != nullptr) {
    seeds.push_back(static_cast<unsigned>(std::strtoul(one, nullptr, 10)));
  } else {
    std::random_device device;
    while (seeds.size() < sequences) seeds.push_back(device() % 1'000'000'000);
  }
  std::cout << std::format("the first seed of {} sequences: {}\n", seeds.size(), seeds.front());
  crash::side_by_side(seeds.size(),
                      [&](crash::Watched& watched, size_t at) { play(watched, seeds[at]); });
}

}  // namespace
}  // namespace snap::soak
