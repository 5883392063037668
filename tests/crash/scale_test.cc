// Very many sets and very many other things in one directory (F-L21).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <format>

#include "sets/manifest.h"
#include "support/agent.h"
#include "support/sample_manifest.h"

namespace snap::crash {
namespace {

namespace fs = std::filesystem;

constexpr int kSets = 10'000;
constexpr long kPeakKib = 64 << 10;

class Scale : public testing::Test {
 protected:
  Scale() {
    fs::create_directory(agent.sets_directory());
    fs::permissions(agent.sets_directory(), fs::perms(0700));
    agent.configure({});
  }
  void make_sets() {
    auto manifest = test::sample_manifest();
    for (int i = 0; i < kSets; ++i) {
      auto start = test::kSampleStart - std::chrono::hours(i);
      manifest.set = sets::SetName{"prod-east", start, "master-0"}.text();
      manifest.started = manifest.finished = start;
      fs::create_directory(agent.set_path(manifest.set));
      test::write_file(agent.set_path(manifest.set, "manifest.json"), sets::to_json(manifest));
      // Listing looks at the sizes of the files: holes will do.
      for (const auto& file : manifest.files) {
        test::write_file(agent.set_path(manifest.set, file.name), "");
        fs::resize_file(agent.set_path(manifest.set, file.name), file.size_bytes);
      }
    }
  }
  void make_junk() {
    for (int i = 0; i < kSets; ++i)
      test::write_file(agent.sets_directory() + std::format("/junk {:05} \x1b[31m", i), "");
  }
  // Processor time: the machine may have other things to do.
  void expect_quick(const std::vector<std::string>& args, const std::string& says) {
    auto finished = agent.run(args);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_LT(finished.cpu_seconds, 1.0) << args[0];
    EXPECT_LT(finished.peak_rss_kib, kPeakKib) << args[0];
    EXPECT_TRUE(finished.out.contains(says)) << finished.out.substr(0, 1000);
    EXPECT_FALSE(finished.out.contains('\x1b')) << "names are data";
    std::cout << std::format("{}: {:.2f} s of the processor, {} KiB\n", args[0],
                             finished.cpu_seconds, finished.peak_rss_kib);
  }

  test::Agent agent;
};

TEST_F(Scale, TenThousandSets) {
  make_sets();
  expect_quick({"list"}, "prod-east_2026-11-21T013000Z_master-0");
  expect_quick({"list", "-o", "json"}, "\"prod-east_2026-11-21T013000Z_master-0\"");
  expect_quick({"prune", "--dry-run"}, "would remove");
}

TEST_F(Scale, TenThousandOtherThings) {
  make_junk();
  expect_quick({"list"}, "junk 09999 \\x1b[31m");
  expect_quick({"list", "-o", "json"}, "junk 09999");
  expect_quick({"prune", "--dry-run"}, "not a backup set");
}

}  // namespace
}  // namespace snap::crash
