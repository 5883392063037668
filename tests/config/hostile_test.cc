// Files that are no configuration at all: refused with a line, fast, without a crash (F-C01).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "config/config.h"

namespace snap::config {
namespace {

using testing::HasSubstr;

std::string repeated(std::string_view part, size_t total_bytes) {
  std::string text;
  while (text.size() + part.size() <= total_bytes) text += part;
  return text;
}

constexpr size_t kMax = 256 << 10;

#ifdef __SANITIZE_ADDRESS__
constexpr double kLimitSeconds = 10;  // the sanitizers take most of it
#else
constexpr double kLimitSeconds = 1;
#endif

// Of this process: what else the machine does is no matter.
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Case {
  std::string name;
  std::string text;
  std::string message;  // a part of it; empty: any
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Hostile : public testing::TestWithParam<Case> {};

TEST_P(Hostile, IsRefusedInTime) {
  auto start = processor_seconds();
  auto config = parse(GetParam().text, "c.yaml", {}, Need::nothing);
  EXPECT_LT(processor_seconds() - start, kLimitSeconds);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::invalid);
  EXPECT_THAT(config.error().message, HasSubstr("c.yaml"));
  EXPECT_THAT(config.error().message, HasSubstr(GetParam().message));
  EXPECT_LT(config.error().message.size(), 2000u);
}

INSTANTIATE_TEST_SUITE_P(
    Text, Hostile,
    testing::Values(
        Case{"empty", "", "c.yaml: is empty"}, Case{"blank", "\n\n  \n", "c.yaml: is empty"},
        Case{"comments_only", "# cluster: a\n", "c.yaml: is empty"},
        Case{"null_only", "~\n", "c.yaml: is empty"},
        Case{"byte_order_mark",
             "\xEF\xBB\xBF"
             "cluster: a\n",
             "c.yaml:1: begins with a byte order mark"},
        Case{"utf16",
             std::string("\xFF\xFE"
                         "c\0l\0",
                         6),
             "c.yaml:1: holds bytes that are no UTF-8"},
        Case{"latin1", "a: 1\ncluster: gr\xF6\n", "c.yaml:2: holds bytes"},
        Case{"nul", std::string("cluster: a\0b\n", 13), "c.yaml:1: holds bytes"},
        Case{"elf", std::string("\x7f\x45\x4c\x46\x02\x01\x01\0\0", 9), "c.yaml:1: holds bytes"},
        Case{"tab", "local:\n\tdirectory: /a\n", "c.yaml:2: indented by a tab"},
        Case{"tab_after_spaces", "local:\n  \tdirectory: /a\n", "c.yaml:2: indented by a tab"},
        Case{"too_large", std::string(kMax + 1, '#'), "larger than 256 KiB"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Yaml, Hostile,
    testing::Values(Case{"alias_bomb",
                         "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\ncluster: *d\n",
                         "c.yaml:1: anchors and aliases"},
                    Case{"alias_of_nothing", "cluster: *nothing\n", "c.yaml:1: "},
                    Case{"tag", "cluster: !!binary aGk=\n", "c.yaml:1: tags"},
                    Case{"two_documents", "cluster: a\n---\ncluster: b\n",
                         "more than one document"},
                    Case{"map_as_key", "? {a: b}\n: c\n", "c.yaml:1: a key must be a text"},
                    Case{"null_key", "~: c\n", "c.yaml:1: a key must be a text"},
                    Case{"unclosed_quote", "cluster: \"a\n", "c.yaml:"},
                    Case{"unclosed_brace", "{\"cluster\": \"a\"", "c.yaml:"},
                    Case{"bad_indent", "local:\n  directory: /a\n reserve: 1\n", "c.yaml:3: "},
                    Case{"bad_escape", "cluster: \"\\q\"\n", "c.yaml:1: "}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Size, Hostile,
    testing::Values(Case{"deep_lists", std::string(kMax, '['), "c.yaml:1: "},
                    Case{"deep_maps", repeated("{a: ", kMax), "c.yaml:1: "},
                    Case{"deep_block_lists", repeated("- ", kMax), "c.yaml:1: "},
                    Case{"deep_questions", repeated("? ", kMax), "c.yaml:1: "},
                    Case{"deep_indents",
                         [] {
                           std::string text;
                           for (size_t i = 0; i < 700; ++i) text += std::string(i, ' ') + "a:\n";
                           return text;
                         }(),
                         "nested deeper"},
                    Case{"closing_only", std::string(kMax, ']'), "c.yaml:1: "},
                    Case{"many_values", "[" + repeated("a,", kMax - 2) + "]", "more than 10000"},
                    Case{"many_lines", repeated("a\n", kMax), ""},
                    Case{"many_keys",
                         [] {
                           std::string text;
                           for (int i = 0; i < 4900; ++i) text += std::to_string(i) + ": 1\n";
                           return text;
                         }(),
                         "unknown key 0"},
                    Case{"long_key", std::string(kMax - 3, 'a') + ": b", ""},
                    Case{"long_value", "cluster: " + std::string(kMax - 10, 'a'),
                         "is not a cluster name"},
                    Case{"many_documents", repeated("---\n", kMax), ""},
                    Case{"many_colons", std::string(kMax, ':'), ""},
                    Case{"many_quotes", std::string(kMax, '"'), ""},
                    Case{"many_anchors", repeated("&a ", kMax), ""},
                    Case{"many_exclamations", std::string(kMax, '!'), ""},
                    Case{"many_bars", repeated("|\n", kMax), ""},
                    Case{"long_words", repeated("a ", kMax), ""},
                    Case{"flow_keys", "{" + repeated("a: b, ", kMax - 2) + "}", ""},
                    Case{"flow_pairs", "[" + repeated("a: b, ", kMax - 2) + "]", ""}),
    [](const auto& test) { return test.param.name; });

TEST(Hostile, EveryPrefixOfAGoodFileIsReadOrRefused) {
  std::string good =
      "cluster: \"a\\u00e4\"\netcd:\n  endpoints: [https://a:2379, 'https://b:1']\n"
      "  passwordFile: |\n    x\nlocal: {directory: /b, reserve: 1GiB}\n";
  size_t refused = 0;
  for (size_t i = 0; i <= good.size(); ++i)
    refused += parse(good.substr(0, i), "c.yaml", {}, Need::sets) ? 0 : 1;
  EXPECT_GT(refused, good.size() / 2);
}

}  // namespace
}  // namespace snap::config
