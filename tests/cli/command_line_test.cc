// The command line: what is understood, and what a mistake is answered with. F-C06
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.h"

namespace snap::cli {
namespace {

struct Mistake {
  std::string name;
  std::vector<std::string_view> words;
  std::string message;
};

void PrintTo(const Mistake& c, std::ostream* out) { *out << c.name; }

class MistakeTable : public testing::TestWithParam<Mistake> {};

TEST_P(MistakeTable, IsToldInOurWords) {
  CommonFlags common;
  auto commands = all_commands();
  auto parsed = parse_command_line(GetParam().words, commands, common);
  ASSERT_TRUE(parsed.mistake);
  EXPECT_EQ(parsed.mistake->message, GetParam().message);
  EXPECT_EQ(parsed.mistake->code, Code::invalid);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, MistakeTable,
    testing::Values(
        Mistake{"unknown_verb", {"rum"}, "unknown verb 'rum'; did you mean run?"},
        Mistake{"verb_of_another_world", {"frobnicate"}, "unknown verb 'frobnicate'"},
        Mistake{"verb_with_escape_codes", {"\x1b[31m"}, "unknown verb '\\x1b[31m'"},
        Mistake{"unknown_flag",
                {"run", "--no-prun"},
                "unknown flag --no-prun; did you mean --no-prune?"},
        Mistake{"unknown_flag_near_nothing", {"run", "--xyzzyplugh"}, "unknown flag --xyzzyplugh"},
        Mistake{
            "abbreviated_flag", {"list", "--verb"}, "unknown flag --verb; did you mean --verbose?"},
        Mistake{"flag_with_one_dash",
                {"list", "-config", "x"},
                "unknown flag -config; did you mean --config?"},
        Mistake{"flag_of_another_verb",
                {"run", "--dry-run"},
                "unknown flag --dry-run; it is a flag of prune"},
        Mistake{"value_of_an_unknown_flag_is_not_said",
                {"run", "--password=hunter2"},
                "unknown flag --password; did you mean --password-file?"},
        Mistake{"unknown_letter", {"list", "-z"}, "unknown flag -z"},
        Mistake{"file_named_like_a_flag",
                {"status", "-x"},
                "unknown flag -x; a file of that name is given as ./-x"},
        Mistake{"flags_before_the_verb",
                {"--config", "/c.yaml", "list"},
                "the verb comes before its flags: etcd-snapshot list --config ..."},
        Mistake{"flags_before_no_verb", {"--config=/c.yaml"}, "no verb is given before --config"},
        Mistake{"no_verb", {}, "no verb is given"},
        Mistake{"missing_value", {"list", "--config"}, "--config needs a value: --config FILE"},
        Mistake{"missing_value_before_a_flag",
                {"list", "--config", "--quiet"},
                "--config needs a value: --config FILE"},
        Mistake{
            "missing_value_of_a_letter", {"list", "-o"}, "--output needs a value: --output FORMAT"},
        Mistake{"empty_value", {"list", "--config", ""}, "--config: the value is empty"},
        Mistake{"empty_value_after_equals", {"list", "--config="}, "--config: the value is empty"},
        Mistake{"bad_choice",
                {"list", "-o", "jsn"},
                "--output: 'jsn' is none of table, json; did you mean json?"},
        Mistake{"bad_choice_near_nothing",
                {"list", "-o", "xml2yaml"},
                "--output: 'xml2yaml' is none of table, json"},
        Mistake{"bad_choice_of_an_argument",
                {"completion", "powershell"},
                "SHELL: 'powershell' is none of bash, zsh, fish"},
        Mistake{"value_for_a_switch", {"list", "--quiet=yes"}, "--quiet takes no value"},
        Mistake{
            "flag_twice", {"list", "--config", "a", "--config", "b"}, "--config is given twice"},
        Mistake{"flag_twice_by_letter",
                {"list", "-o", "json", "--output=table"},
                "--output is given twice"},
        Mistake{"contradiction",
                {"list", "--quiet", "--verbose"},
                "--quiet and --verbose contradict each other"},
        Mistake{"missing_argument", {"status"}, "FILE is missing: a snapshot file"},
        Mistake{"missing_argument_after_the_dashes",
                {"status", "--"},
                "FILE is missing: a snapshot file"},
        Mistake{"empty_argument", {"status", ""}, "FILE is empty"},
        Mistake{"one_argument_too_many",
                {"save", "a.db", "b.db"},
                "'b.db' is one argument too many: save takes one"},
        Mistake{"argument_for_a_verb_without",
                {"list", "x"},
                "'x' is one argument too many: list takes none"},
        Mistake{"flag_of_verbs_that_need_a_configuration",
                {"man", "--config", "x"},
                "unknown flag --config"}),
    [](const auto& test) { return test.param.name; });

class CommandLine : public testing::Test {
 protected:
  Parsed parse(std::vector<std::string_view> words) {
    common = {};
    commands = all_commands();
    return parse_command_line(words, commands, common);
  }
  // The arguments of `verify`, which takes many.
  const std::vector<std::string>& names() const {
    return **std::get_if<std::vector<std::string>*>(
        &std::ranges::find(commands, "verify", &Command::name)->arguments[0].target);
  }

  CommonFlags common;
  std::vector<Command> commands;
};

TEST_F(CommandLine, TakesFlagsAndArgumentsInAnyOrder) {
  for (std::vector<std::string_view> words :
       {std::vector<std::string_view>{"verify", "a", "--config", "c", "-o", "json", "b"},
        {"verify", "--config=c", "-ojson", "a", "b"},
        {"verify", "-o=json", "a", "b", "--config=c"}}) {
    auto parsed = parse(words);
    EXPECT_FALSE(parsed.mistake) << parsed.mistake->message;
    EXPECT_EQ(parsed.command->name, "verify");
    EXPECT_EQ(common.config, "c");
    EXPECT_EQ(common.output, "json");
    EXPECT_THAT(names(), testing::ElementsAre("a", "b"));
  }
}

TEST_F(CommandLine, EndsItsFlagsAtTwoDashes) {
  auto parsed = parse({"verify", "--quiet", "--", "-x", "--", "--help"});
  EXPECT_FALSE(parsed.mistake || parsed.help);
  EXPECT_TRUE(common.quiet);
  EXPECT_THAT(names(), testing::ElementsAre("-x", "--", "--help"));
}

TEST_F(CommandLine, TakesValuesThatLookStrange) {
  auto parsed = parse({"verify", "--set", "a=b=c", "--set", "-5", "--config", "-", "-"});
  EXPECT_FALSE(parsed.mistake) << parsed.mistake->message;
  EXPECT_THAT(common.set, testing::ElementsAre("a=b=c", "-5"));
  EXPECT_EQ(common.config, "-");
  EXPECT_THAT(names(), testing::ElementsAre("-"));
  EXPECT_FALSE(parse({"list", "--quiet", "--quiet"}).mistake) << "a switch may be repeated";
}

TEST_F(CommandLine, GivesHelpWhateverElseIsWrong) {
  EXPECT_TRUE(parse({"--help"}).help);
  EXPECT_TRUE(parse({"help"}).help);
  for (std::vector<std::string_view> words : {std::vector<std::string_view>{"run", "-h"},
                                              {"help", "run"},
                                              {"run", "--frobnicate", "--help"}}) {
    auto parsed = parse(words);
    EXPECT_TRUE(parsed.help);
    EXPECT_EQ(parsed.command->name, "run");
  }
  EXPECT_TRUE(parse({"help", "rum"}).mistake);
  EXPECT_TRUE(parse({"rum", "--help"}).mistake);
  EXPECT_TRUE(parse({"--version"}).version);
  EXPECT_TRUE(parse({"version"}).version);
}

}  // namespace
}  // namespace snap::cli
