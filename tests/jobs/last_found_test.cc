// What is kept for the day when the cluster's API does not answer.
#include "jobs/last_found.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::jobs {
namespace {

const Seconds kAt = *from_rfc3339("2026-11-21T01:30:00Z");

TEST(LastFound, ComesBackAsItWasKept) {
  test::TempDir directory;
  LastFound mirrors{.asked = "nodes a=b",
                    .at = kAt,
                    .mirrors = {{.name = "m-1", .host = "10.0.0.1", .known_as = {"m-1", "m-1.x"}}}};
  ASSERT_TRUE(keep_found(directory.path(), "mirrors", mirrors));
  auto back = last_found(directory.path(), "mirrors", "nodes a=b");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->at, kAt);
  ASSERT_EQ(back->mirrors.size(), 1U);
  EXPECT_EQ(back->mirrors[0].host, "10.0.0.1");
  EXPECT_EQ(back->mirrors[0].known_as.size(), 2U);
  LastFound exported{.asked = "volume v", .at = kAt, .exported = {"nas", "/exp"}};
  ASSERT_TRUE(keep_found(directory.path(), "nas", exported));
  EXPECT_EQ(last_found(directory.path(), "nas", "volume v")->exported.path, "/exp");
}

TEST(LastFound, DoesNotCountForAnotherQuestion) {
  test::TempDir directory;
  LastFound found{
      .asked = "all nodes a=b", .at = kAt, .mirrors = {{.name = "w", .host = "w", .known_as = {}}}};
  ASSERT_TRUE(keep_found(directory.path(), "mirrors", found));
  EXPECT_EQ(last_found(directory.path(), "mirrors", "nodes a=b").error().code, Code::not_found);
  EXPECT_EQ(last_found(directory.path(), "other", "all nodes a=b").error().code, Code::not_found);
}

TEST(LastFound, IsNotBelievedWhenItIsDamaged) {
  test::TempDir directory;
  std::filesystem::create_directory(directory.path(".state"));
  const std::string kHead = R"({"asked": "q", "at": "2026-11-21T01:30:00Z")";
  for (const auto& text :
       {std::string(), std::string("{"), std::string("[]"), kHead + "}",
        kHead + R"(, "mirrors": []})",
        kHead + R"(, "mirrors": [{"name": "../x", "host": "h", "knownAs": []}]})",
        kHead + R"(, "mirrors": [{"name": "x", "host": "", "knownAs": []}]})",
        kHead + R"(, "mirrors": [{"name": "x", "host": "h", "knownAs": [1]}]})",
        kHead + R"(, "mirrors": [{"name": "x\n", "host": "h", "knownAs": []}]})",
        kHead + R"(, "export": {"server": "nas", "path": "exp"}})", kHead + R"(, "export": 7})"}) {
    test::write_file(directory.path(".state/cluster-d.json"), text);
    auto back = last_found(directory.path(), "d", "q");
    ASSERT_FALSE(back) << text;
    EXPECT_EQ(back.error().code, Code::corrupt) << text;
  }
}

}  // namespace
}  // namespace snap::jobs
