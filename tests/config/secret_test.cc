// Secrets are read from files, and never printed (F-C04).
#include "config/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "config/config.h"
#include "support/temp_dir.h"

namespace snap::config {
namespace {

using testing::HasSubstr;
using testing::Not;

void write(const std::string& path, std::string_view content, int mode = 0600) {
  std::ofstream(path, std::ios::binary) << content;
  std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
}

TEST(ReadSecret, TakesTheOneLine) {
  test::TempDir dir;
  for (std::string content : {"hunter2", "hunter2\n", "hunter2\r\n"}) {
    write(dir.path("pw"), content);
    auto secret = read_secret(dir.path("pw"));
    ASSERT_TRUE(secret) << secret.error().message;
    EXPECT_EQ(secret->value, "hunter2");
    EXPECT_EQ(secret->warning, "");
  }
}

TEST(ReadSecret, FollowsTheLinkOfAMountedSecretAndWarnsThatItIsReadable) {
  test::TempDir dir;
  write(dir.path("data"), "hunter2", 0644);
  std::filesystem::create_symlink("data", dir.path("pw"));
  auto secret = read_secret(dir.path("pw"));
  ASSERT_TRUE(secret) << secret.error().message;
  EXPECT_THAT(secret->warning, HasSubstr("every user"));
  EXPECT_THAT(secret->warning, Not(HasSubstr("hunter2")));
}

TEST(ReadSecret, RefusesWhatIsNoSecret) {
  test::TempDir dir;
  write(dir.path("empty"), "");
  write(dir.path("blank"), "\n");
  write(dir.path("two"), "hunter2\nhunter3\n");
  write(dir.path("nul"), std::string_view("hunter2\0x", 9));
  write(dir.path("large"), std::string(100'000, 'x'));
  for (auto* name : {"empty", "blank", "two", "nul", "large", "."}) {
    auto secret = read_secret(dir.path(name));
    ASSERT_FALSE(secret) << name;
    EXPECT_EQ(secret.error().code, Code::invalid) << name;
    EXPECT_THAT(describe(secret.error()), Not(HasSubstr("hunter"))) << name;
  }
  EXPECT_EQ(read_secret(dir.path("absent")).error().code, Code::not_found);
}

struct Case {
  std::string name;
  std::string text;
  std::string hint;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class PlantedSecret : public testing::TestWithParam<Case> {};

TEST_P(PlantedSecret, IsRefusedAndNeverPrinted) {
  auto config = parse(GetParam().text, "c.yaml", {}, Need::nothing);
  ASSERT_FALSE(config);
  EXPECT_THAT(describe(config.error()), Not(HasSubstr("hunter2")));
  EXPECT_THAT(describe(config.error()), HasSubstr(GetParam().hint));
}

INSTANTIATE_TEST_SUITE_P(
    InAFile, PlantedSecret,
    testing::Values(
        Case{"password", "password: hunter2\n", "use etcd.passwordFile"},
        Case{"etcd_password", "etcd: {password: hunter2}\n", "use etcd.passwordFile"},
        Case{"upper_case", "etcd: {Password: hunter2}\n", "use etcd.passwordFile"},
        Case{"secret_key", "secretKey: hunter2\n", "unknown key"},
        Case{"in_the_file_key", "etcd: {passwordFile: hunter2}\n", "not an absolute path"},
        Case{"in_a_list", "etcd: {passwordFile: [hunter2]}\n", "must be a single value"},
        Case{"in_the_user", "etcd: {username: \"root:hunter2\"}\n", "passwordFile"},
        Case{"key_material", "etcd: {key: \"-----BEGIN hunter2\"}\n", "not an absolute path"},
        Case{"in_a_url", "etcd: {endpoints: [\"https://root:hunter2@a:2379\"]}\n",
             "etcd.passwordFile"},
        Case{"in_an_odd_url", "etcd: {endpoints: [\"root:hunter2@a\"]}\n", "etcd.passwordFile"},
        Case{"in_a_query", "etcd: {endpoints: [\"https://a:2379?pw=hunter2\"]}\n", "remove"},
        Case{"colon_in_a_plain_value", "etcd:\n  password: a: hunter2\n", "c.yaml:2"},
        Case{"twice", "password: hunter2\npassword: hunter2\n", "twice"},
        Case{"unclosed", "password: \"hunter2\n", "c.yaml"}),
    [](const auto& test) { return test.param.name; });

TEST(PlantedSecret, InArgumentsIsNeverPrinted) {
  EXPECT_THAT(describe(parse_set("hunter2").error()), Not(HasSubstr("hunter2")));
  for (auto* key : {"etcd.password", "etcd.passwordFile", "password", "etcd.key"}) {
    auto config =
        parse("{}", "c", {{.key = key, .value = "hunter2", .origin = "--set"}}, Need::nothing);
    ASSERT_FALSE(config) << key;
    EXPECT_THAT(describe(config.error()), Not(HasSubstr("hunter2"))) << key;
  }
}

}  // namespace
}  // namespace snap::config
