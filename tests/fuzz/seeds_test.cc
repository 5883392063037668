// Every fuzz target over its seeds, their near neighbours, and the inputs that once found a bug.
// Needs no fuzzer. What a target promises is in its own file; a broken promise ends the process.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "fuzz/target.h"

namespace snap::fuzz {
namespace {

class Seeds : public testing::TestWithParam<Target> {};

// What fuzzing found once, in tests/data/fuzz/TARGET: seeds like the others.
std::vector<std::string> findings_of(const std::string& target) {
  std::vector<std::string> inputs;
  auto directory = std::filesystem::path(SNAP_TEST_DATA) / "fuzz" / target;
  if (!std::filesystem::exists(directory)) return inputs;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

TEST_P(Seeds, AndTheirNeighboursBreakNoPromise) {
  std::mt19937_64 random(20261121);
  auto seeds = GetParam().seeds();
  ASSERT_FALSE(seeds.empty());
  for (auto& found : findings_of(GetParam().name)) seeds.push_back(std::move(found));
  for (const auto& seed : seeds) {
    GetParam().run(seed);
    for (int i = 0; i < 150 && !seed.empty(); ++i) {
      auto near = seed;
      for (auto changes = 1 + random() % 3; changes > 0; --changes) {
        auto& byte = near[random() % near.size()];
        byte = static_cast<char>(random() % 2 ? byte ^ 1 << random() % 8
                                              : static_cast<int>(random() % 256));
      }
      if (i % 10 == 0) near.resize(random() % near.size());
      if (i % 10 == 1) near += near.substr(random() % near.size());
      GetParam().run(near);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Seeds,
                         testing::Values(archive(), bolt(), config(), host(), kubeconfig(),
                                         manifest(), names(), snapshot(), snapshot_stream(),
                                         wire()),
                         [](const auto& test) { return test.param.name; });

}  // namespace

void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }

}  // namespace snap::fuzz
