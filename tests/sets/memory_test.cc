// Memory that runs out at any allocation while a manifest is written or read (F-L22).
#include <gtest/gtest.h>

#include "sets/manifest.h"
#include "support/failing_new.h"
#include "support/sample_manifest.h"

namespace snap::sets {
namespace {

TEST(Memory, ThatRunsOutWhileAManifestIsWrittenEndsInBadAlloc) {  // F-L22
  const auto manifest = test::sample_manifest();
  for (bool for_good : {false, true}) {
    std::string text;
    EXPECT_GT(test::tries_until_done(for_good, [&] { text = to_json(manifest); }), 100);
    EXPECT_EQ(text, to_json(manifest));
  }
}

TEST(Memory, ThatRunsOutWhileAManifestIsReadEndsInBadAlloc) {  // F-L22
  const auto sample = test::sample_manifest();
  const auto golden = to_json(sample);
  auto unknown = golden;
  unknown.insert(1, R"("later": [[], {}, [{"a": [1, -1, 2.5, true, null, "text"]}, {}], {}],)");
  for (const auto& text :
       {golden, unknown, golden.substr(0, 900), std::string("{\"a\":1,\"a\":2}")})
    for (bool for_good : {false, true}) {
      Result<Manifest> read;
      EXPECT_GT(test::tries_until_done(for_good, [&] { read = parse_manifest(text); }), 5);
      EXPECT_EQ(read.has_value(), text == golden || text == unknown);
      if (read) {
        EXPECT_EQ(*read, sample);
      }
    }
}

}  // namespace
}  // namespace snap::sets
