#include "report/termination.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <format>
#include <nlohmann/json.hpp>

#include "sample.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::report {
namespace {

using testing::Contains;

TEST(TerminationMessage, IsTheOutcomeLineWhereThatFits) {
  EXPECT_EQ(termination_message(sample_outcome()), to_json_line(sample_outcome()));
  EXPECT_EQ(termination_message({}), to_json_line({}));
}

struct Case {
  std::string name;
  void (*grow)(Outcome& outcome);
  std::string left_out;  // one of those
  std::string kept;      // a field that is still there
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class TooLong : public testing::TestWithParam<Case> {};
TEST_P(TooLong, StaysJsonAndSaysWhatIsMissing) {
  auto outcome = failed_outcome();
  outcome.resources = sample_outcome().resources;
  outcome.places = sample_outcome().places;
  outcome.proof = sample_outcome().proof;
  GetParam().grow(outcome);
  auto message = termination_message(outcome);
  EXPECT_LE(message.size(), kMaxTerminationBytes);
  EXPECT_EQ(message.find('\n'), message.size() - 1);
  auto json = nlohmann::json::parse(message, nullptr, false);
  ASSERT_TRUE(json.is_object()) << message;
  EXPECT_EQ(json["exit"], 3);
  EXPECT_EQ(json["schema"], 1);
  EXPECT_FALSE(json["error"]["message"].get<std::string>().empty());
  EXPECT_THAT(json["left_out"], Contains(GetParam().left_out));
  EXPECT_TRUE(json.contains(GetParam().kept)) << message;
}
void many_paths(Outcome& outcome) {
  for (int i = 0; i < 300; ++i)
    outcome.resources->paths.push_back(std::format("/etc/kubernetes/{}", i));
}
void many_mirrors(Outcome& outcome) {
  for (int i = 0; i < 40; ++i)
    outcome.places.push_back({.name = std::format("mirrors/master-{}", i),
                              .type = "ssh",
                              .failed = i % 20 == 0,
                              .problem = i % 20 == 0 ? "connect: refused" : ""});
}
void many_dead_mirrors(Outcome& outcome) {
  for (int i = 0; i < 60; ++i)
    outcome.places.push_back(
        {.name = "m", .type = "ssh", .failed = true, .problem = std::string(200, 'x')});
}
void many_warnings(Outcome& outcome) {
  outcome.warnings.assign(100, "the certificate of this and that will end soon, renew it now");
}
// What takes most room in JSON: each byte becomes six.
void long_error(Outcome& outcome) {
  outcome.error->error.message = std::string(20'000, '\xff');
  outcome.error->error.hint = outcome.trigger = outcome.error->error.message;
}
void all(Outcome& outcome) {
  for (auto* grow : {many_paths, many_mirrors, many_dead_mirrors, many_warnings, long_error})
    grow(outcome);
}
INSTANTIATE_TEST_SUITE_P(Outcomes, TooLong,
                         testing::Values(Case{"paths", many_paths, "resources.paths", "stages"},
                                         Case{"mirrors", many_mirrors, "places that are ok",
                                              "places"},
                                         Case{"warnings", many_warnings, "warnings", "places"},
                                         Case{"dead_mirrors", many_dead_mirrors, "places", "error"},
                                         Case{"error", long_error, "the ends of texts", "node"},
                                         Case{"all", all, "places", "cluster"}),
                         [](const auto& test) { return test.param.name; });

TEST(TerminationMessage, OverwritesTheFileThatIsThere) {
  test::TempDir dir;
  auto file = dir.path("termination-log");
  test::write_file(file, std::string(10'000, 'x'));
  auto inode = [&] {
    struct stat info{};
    return ::stat(file.c_str(), &info) == 0 ? info.st_ino : 0;
  };
  auto before = inode();
  ASSERT_TRUE(write_termination_message(file, sample_outcome()));
  EXPECT_EQ(test::read_file(file), to_json_line(sample_outcome()));
  EXPECT_EQ(inode(), before);  // it is a mount in a container
}

TEST(TerminationMessage, ThatCannotBeWrittenIsAnError) {  // F-L24
  test::TempDir dir;
  ASSERT_EQ(::mkfifo(dir.path("pipe").c_str(), 0600), 0);
  std::filesystem::create_directory(dir.path("directory"));
  for (const auto* name : {"pipe", "directory", "missing/file"}) {
    auto written = write_termination_message(dir.path(name), sample_outcome());
    ASSERT_FALSE(written) << name;
    EXPECT_THAT(written.error().message, testing::HasSubstr("termination message: "));
  }
  EXPECT_FALSE(write_termination_message("/dev/full", sample_outcome()));
}

}  // namespace
}  // namespace snap::report
