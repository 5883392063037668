// The command line: verb first, then flags and arguments in any order; "--" ends the flags.
//
// Not CLI11, tried with version 2.4: it takes the next word as the value of "--config=", splits an
// argument "[a,b]", and its errors name a flag in English text only. Behind our table it was
// longer.
#include <algorithm>
#include <format>
#include <optional>
#include <set>

#include "base/text.h"
#include "cli/command.h"

namespace snap::cli {
namespace {

Error mistake(std::string message) { return {Code::invalid, std::move(message), ""}; }

std::vector<std::string_view> verbs_of(const std::vector<Command>& commands) {
  std::vector<std::string_view> names;
  for (const auto& command : commands) names.push_back(command.name);
  return names;
}

const Command* find_verb(const std::vector<Command>& commands, std::string_view name) {
  auto found = std::ranges::find(commands, name, &Command::name);
  return found == commands.end() ? nullptr : &*found;
}

bool is_switch(const Flag& flag) { return std::holds_alternative<bool*>(flag.target); }

std::string one_of(const std::vector<std::string>& choices) { return join(choices, ", "); }

// The words after the verb.
class VerbLine {
 public:
  VerbLine(const Command& command, const std::vector<Command>& commands, CommonFlags& common)
      : command_(command), commands_(commands) {
    for (auto& group : flag_groups(command, common))
      flags_.insert(flags_.end(), group.flags.begin(), group.flags.end());
  }

  Result<void> read(std::span<const std::string_view> words) {
    bool flags_ended = false;
    for (size_t i = 0; i < words.size(); ++i) {
      auto word = words[i];
      if (!flags_ended && word == "--") {
        flags_ended = true;
      } else if (flags_ended || word == "-" || !word.starts_with('-')) {
        arguments_.push_back(word);
      } else if (TRY(read_flag(word, words.subspan(i + 1)))) {
        ++i;
      }
    }
    return place_arguments();
  }

 private:
  // Whether `following`'s first word was its value.
  Result<bool> read_flag(std::string_view word, std::span<const std::string_view> following) {
    // A value never stands in a message: it may be a password meant for another tool's flag.
    auto equals = word.find('=');
    auto name = word.substr(0, equals);
    auto value = equals == std::string_view::npos ? std::optional<std::string_view>()
                                                  : std::optional(word.substr(equals + 1));
    const auto* flag = find_flag(name);
    if (flag == nullptr && !name.starts_with("--") && name.size() > 2) {
      flag = find_flag(name.substr(0, 2));  // -ojson
      if (flag != nullptr && is_switch(*flag)) flag = nullptr;
      if (flag != nullptr) value = word.substr(2, equals == 2 ? 1 : std::string_view::npos);
    }
    if (flag == nullptr) return std::unexpected(mistake(unknown(name)));
    auto shown = "--" + flag->name;
    if (is_switch(*flag)) {
      if (value) return std::unexpected(mistake(shown + " takes no value"));
      *std::get<bool*>(flag->target) = true;
      return false;
    }
    bool takes_next = !value;
    if (takes_next) {
      if (following.empty() || following.front() == "--" || find_flag(following.front()) != nullptr)
        return std::unexpected(
            mistake(std::format("{} needs a value: {} {}", shown, shown, flag->value)));
      value = following.front();
    }
    TRY(store(*flag, shown, std::string(*value)));
    return takes_next;
  }

  const Flag* find_flag(std::string_view word) const {
    auto is = [&](const Flag& flag) {
      return word == "--" + flag.name || (!flag.letter.empty() && word == "-" + flag.letter);
    };
    auto found = std::ranges::find_if(flags_, is);
    return found == flags_.end() ? nullptr : &*found;
  }

  std::string unknown(std::string_view name) const {
    auto text = std::format("unknown flag {}", escaped(name));
    auto bare = name.substr(std::min(name.find_first_not_of('-'), name.size()));
    for (const auto& other : commands_) {
      auto same = [&](const Flag& flag) { return "--" + flag.name == name; };
      if (std::ranges::any_of(other.flags, same))
        return text + std::format("; it is a flag of {}", other.name);
    }
    std::vector<std::string_view> known;
    for (const auto& flag : flags_) known.push_back(flag.name);
    auto longer = std::ranges::find_if(
        known, [&](std::string_view flag) { return bare.size() > 2 && flag.starts_with(bare); });
    auto near = longer != known.end() ? std::optional<std::string>(*longer)
                : bare.size() > 1     ? nearest(bare, known)
                                      : std::nullopt;
    if (near) return text + std::format("; did you mean --{}?", *near);
    if (!name.starts_with("--") && !command_.arguments.empty())
      return text + std::format("; a file of that name is given as ./{}", escaped(name));
    return text;
  }

  Result<void> store(const Flag& flag, const std::string& shown, std::string value) {
    // An unset variable of a shell must not turn into "use the default".
    if (value.empty()) return std::unexpected(mistake(shown + ": the value is empty"));
    TRY(check_choice(shown, flag.choices, value));
    if (auto* many = std::get_if<std::vector<std::string>*>(&flag.target)) {
      (*many)->push_back(std::move(value));
      return {};
    }
    if (!given_.insert(flag.name).second)
      return std::unexpected(mistake(shown + " is given twice"));
    *std::get<std::string*>(flag.target) = std::move(value);
    return {};
  }

  static Result<void> check_choice(const std::string& what, const std::vector<std::string>& choices,
                                   const std::string& value) {
    if (choices.empty() || std::ranges::contains(choices, value)) return {};
    std::vector<std::string_view> known(choices.begin(), choices.end());
    auto near = nearest(value, known);
    return std::unexpected(
        mistake(std::format("{}: '{}' is none of {}{}", what, escaped(value), one_of(choices),
                            near ? std::format("; did you mean {}?", *near) : "")));
  }

  Result<void> place_arguments() {
    size_t next = 0;
    for (const auto& argument : command_.arguments) {
      if (next == arguments_.size()) {
        if (!argument.required) continue;
        return std::unexpected(
            mistake(std::format("{} is missing: {}", argument.name, argument.help)));
      }
      auto* many = std::get_if<std::vector<std::string>*>(&argument.target);
      do {
        auto value = std::string(arguments_[next++]);
        if (value.empty())
          return std::unexpected(mistake(std::format("{} is empty", argument.name)));
        TRY(check_choice(argument.name, argument.choices, value));
        if (many) {
          (*many)->push_back(std::move(value));
        } else {
          *std::get<std::string*>(argument.target) = std::move(value);
        }
      } while (many && next < arguments_.size());
    }
    if (next == arguments_.size()) return {};
    auto most = command_.arguments.size();
    return std::unexpected(
        mistake(std::format("'{}' is one argument too many: {} takes {}", escaped(arguments_[next]),
                            command_.name, most == 0 ? "none" : "one")));
  }

  const Command& command_;
  const std::vector<Command>& commands_;
  std::vector<Flag> flags_;
  std::vector<std::string_view> arguments_;
  std::set<std::string> given_;
};

bool asks_for_help(std::span<const std::string_view> words) {
  auto end = std::ranges::find(words, "--");
  return std::any_of(words.begin(), end,
                     [](auto word) { return word == "-h" || word == "--help"; });
}

// No verb stands at the front.
Error no_verb(std::span<const std::string_view> words, const std::vector<Command>& commands) {
  if (words.empty()) return mistake("no verb is given");
  auto first = words.front();
  if (!first.starts_with('-')) {
    auto near = nearest(first, verbs_of(commands));
    return mistake(std::format("unknown verb '{}'{}", escaped(first),
                               near ? std::format("; did you mean {}?", *near) : ""));
  }
  auto flag = escaped(first.substr(0, first.find('=')));
  auto is_verb = [&](std::string_view word) { return find_verb(commands, word) != nullptr; };
  auto verb = std::ranges::find_if(words, is_verb);
  if (verb == words.end()) return mistake(std::format("no verb is given before {}", flag));
  return mistake(
      std::format("the verb comes before its flags: etcd-snapshot {} {} ...", *verb, flag));
}

}  // namespace

Parsed parse_command_line(std::span<const std::string_view> words,
                          const std::vector<Command>& commands, CommonFlags& common) {
  auto first = words.empty() ? std::string_view() : words.front();
  if (first == "--version" || first == "version") return {.version = true};
  // "help VERB" is what many other tools take.
  bool help = first == "help" || asks_for_help(words);
  if (first == "help") words = words.subspan(1);
  const auto* command = words.empty() ? nullptr : find_verb(commands, words.front());
  bool names_no_verb = words.empty() || words.front().starts_with('-');
  if (help && (command != nullptr || names_no_verb)) return {.command = command, .help = true};
  if (command == nullptr) return {.mistake = no_verb(words, commands)};
  Parsed parsed{.command = command};
  auto read = VerbLine(*command, commands, common).read(words.subspan(1));
  if (!read)
    parsed.mistake = std::move(read).error();
  else if (common.quiet && common.verbose)
    parsed.mistake = mistake("--quiet and --verbose contradict each other");
  return parsed;
}

}  // namespace snap::cli
