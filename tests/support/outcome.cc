#include "support/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace snap::test {
namespace {

namespace fs = std::filesystem;

using Kind = Expected::Kind;
using Names = std::vector<std::string>;
using testing::IsEmpty;

const std::string kSameSecond = "a set with this start exists already";

// What a command may write without having done anything: locks and their like come and go.
bool counts(const fs::path& relative) { return !relative.begin()->string().starts_with(".lock-"); }

// Files with their content, links with their target, directories; below `top`, by relative path.
std::map<std::string, std::string> picture(const std::string& top) {
  std::map<std::string, std::string> all;
  if (!fs::exists(top)) return all;
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    auto relative = entry.path().lexically_relative(top);
    if (!counts(relative)) continue;
    auto& what = all[relative];
    if (entry.is_symlink())
      what = "-> " + fs::read_symlink(entry.path()).string();
    else if (entry.is_regular_file())
      what = "file " + read_file(entry.path());
    else
      what = entry.is_directory() ? "directory" : "special";
  }
  return all;
}

std::string set_of(const std::string& path) { return path.substr(0, path.find('/')); }

Names verified(const Agent& agent, const Names& sets) {
  auto verify = [&agent](const Names& some) {
    Names args{"verify"};
    for (const auto& set : some) args.push_back(agent.set_path(set));
    return agent.run(args).ok();
  };
  if (sets.empty() || verify(sets)) return sets;
  Names sound;
  for (const auto& set : sets)
    if (verify({set})) sound.push_back(set);
  return sound;
}

std::string last_success(const Agent& agent) {
  auto text = read_file(agent.metrics_file());
  auto begin = text.find("etcd_snapshot_last_success_timestamp_seconds{");
  return begin == text.npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

// Lines of the log of this level, without their time.
Names lines_of(const std::string& log, const std::string& level) {
  Names lines;
  for (const auto& line : split(log, '\n')) {
    auto at = line.find("Z " + level + " ");
    if (at != line.npos && at < 40) lines.emplace_back(line.substr(at + level.size() + 3));
  }
  return lines;
}

long containing(const Names& lines, const std::string& part) {
  return std::ranges::count_if(lines, [&](const auto& line) { return line.contains(part); });
}

Names strings(const nlohmann::json& list) { return list.is_array() ? list.get<Names>() : Names(); }

std::string text_of(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : "";
}

}  // namespace

Before::Before(const Agent& agent, std::function<int()> connections)
    : sets_(agent.sets()),
      sound_(verified(agent, sets_)),
      files_(picture(agent.sets_directory())),
      last_success_(last_success(agent)),
      connections_(std::move(connections)),
      connected_(connections_ ? connections_() : 0) {}

Before::Before(const Agent& agent, std::vector<Store> stores) : Before(agent) {
  stores_ = std::move(stores);
  for (const auto& store : stores_) stored_.push_back(picture(store.directory));
}

// One comparison; its members are what the parts of it share.
class OutcomeCheck {
 public:
  OutcomeCheck(const Agent& agent, const Before& before, const Finished& finished,
               const Expected& expected)
      : agent_(agent), before_(before), finished_(finished), expected_(expected) {
    for (const auto& set : agent.sets())
      if (!std::ranges::contains(before.sets_, set)) new_.push_back(set);
    if (expected.verb == "run") outcome_ = outcome_of(finished);
  }

  void end_of_process() const {
    EXPECT_FALSE(finished_.timed_out) << finished_.text();
    EXPECT_EQ(finished_.exit_code, expected_.exit) << finished_.text();
    EXPECT_LT(finished_.wall_seconds, std::chrono::duration<double>(expected_.limit).count());
    // A snapshot on standard output is data.
    auto data = std::string_view(finished_.out).contains('\0');
    agent_.expect_no_secrets((data ? "" : finished_.out) + finished_.err);
  }

  // One line with cause and hint, the same in the outcome line.
  void cause() const {
    if (expected_.exit == 0) return;
    auto errors = lines_of(finished_.err, "error");
    auto lines = std::max<size_t>(1, expected_.failing.size());
    EXPECT_EQ(errors.size(), lines) << "one cause line for each: " << finished_.text();
    for (const auto& line : errors)
      EXPECT_THAT(line, testing::ContainsRegex(" \\(.+\\)$")) << "no hint";
    for (const auto& place : expected_.failing)
      EXPECT_EQ(containing(errors, "destination " + place + ": "), 1) << finished_.err;
    for (const auto& part : expected_.causes)
      EXPECT_GE(containing(errors, part), 1) << part << " is not in " << finished_.err;
  }

  void outcome_line() const {
    if (expected_.verb != "run") return;
    ASSERT_TRUE(outcome_.is_object()) << finished_.text();
    EXPECT_EQ(outcome_["exit"], expected_.exit);
    if (expected_.exit == 0) {
      EXPECT_TRUE(outcome_["error"].is_null()) << outcome_["error"];
      return;
    }
    ASSERT_TRUE(outcome_["error"].is_object()) << finished_.text();
    const auto& error = outcome_["error"];
    EXPECT_THAT(text_of(error["code"]), testing::Not(IsEmpty()));
    if (!expected_.stage.empty()) {
      EXPECT_EQ(error["stage"], expected_.stage) << error;
    }
    auto line = text_of(error["message"]) + " (" + text_of(error["hint"]) + ")";
    auto errors = lines_of(finished_.err, "error");
    if (line.size() < 4000) {
      EXPECT_THAT(errors, testing::Contains(line));
    }
  }

  // What the outcome line says of the place is what is there.
  void place() const {
    if (!outcome_.is_object() || outcome_["places"].empty()) return;
    const auto& local = outcome_["places"][0];
    EXPECT_EQ(local["has_set"], makes_set()) << local;
    EXPECT_EQ(local["proven"], makes_set()) << local;
    if (!makes_set()) {
      EXPECT_EQ(local["verdict"], "failed") << local;
      EXPECT_FALSE(text_of(local["problem"]).empty()) << local;
    }
    Names pruned;
    for (const auto& removal : local["pruned"]) pruned.push_back(text_of(removal["set"]));
    if (!makes_set()) {
      EXPECT_THAT(pruned, IsEmpty());
    }
    for (const auto& set : pruned) EXPECT_FALSE(std::ranges::contains(agent_.sets(), set)) << set;
  }

  // What the outcome line says of the destinations, and what is behind them.
  void destinations() const {
    if (!outcome_.is_object()) return;
    for (const auto& facts : outcome_["places"]) {
      if (facts["name"] == "local" || !makes_set()) continue;
      bool fails = std::ranges::contains(expected_.failing, text_of(facts["name"]));
      EXPECT_EQ(facts["verdict"], fails ? "failed" : "ok") << facts;
      EXPECT_EQ(facts["has_set"], !fails) << facts;
      EXPECT_EQ(facts["proven"], !fails) << facts;
      EXPECT_NE(text_of(facts["problem"]).empty(), fails) << facts;
      if (fails) {
        EXPECT_THAT(facts["pruned"], IsEmpty());
      }
    }
    for (size_t i = 0; i < before_.stores_.size(); ++i)
      stored(before_.stores_[i], before_.stored_[i]);
  }

  void new_sets() const {
    bool makes_one = expected_.verb == "run" && makes_set();
    ASSERT_EQ(new_.size(), makes_one ? 1U : 0U) << testing::PrintToString(new_);
    if (!makes_one) return;
    EXPECT_EQ(outcome_["set"], new_[0]);
    for (const auto& row : agent_.list())
      if (row["set"] == new_[0]) {
        EXPECT_EQ(row["proven"], true) << row;
      }
    auto verify = agent_.run({"verify", agent_.set_path(new_[0])});
    EXPECT_EQ(verify.exit_code, 0) << verify.text();
  }

  void warnings() const {
    if (expected_.kind != Kind::done || expected_.verb != "run" || new_.size() != 1) return;
    auto in_json = strings(outcome_["warnings"]);
    // Two runs of a test may well start in one second.
    if (containing(expected_.warnings, kSameSecond) == 0)
      std::erase_if(in_json, [](const auto& text) { return text.contains(kSameSecond); });
    auto in_log = lines_of(finished_.err, "warn ");
    auto in_manifest = strings(agent_.manifest_of(new_[0])["warnings"]);
    for (const auto& part : expected_.warnings) {
      EXPECT_EQ(containing(in_json, part), 1) << part << " in " << outcome_["warnings"];
      EXPECT_GE(containing(in_log, part), 1) << part << " in " << finished_.err;
      EXPECT_EQ(containing(in_manifest, part), 1) << part;
    }
    if (!expected_.other_warnings) {
      EXPECT_EQ(in_json.size(), expected_.warnings.size()) << outcome_["warnings"];
    }
  }

  // The sets of before: as they were, or removed and said so.
  void older_sets() const {
    auto now = picture(agent_.sets_directory());
    auto may_go = expected_.gone;
    if (outcome_.is_object() && !outcome_["places"].empty() && makes_set())
      for (const auto& removal : outcome_["places"][0]["pruned"])
        may_go.push_back(text_of(removal["set"]));
    for (const auto& [path, content] : before_.files_) {
      bool of_a_set = std::ranges::contains(before_.sets_, set_of(path));
      if ((!of_a_set && expected_.kind != Kind::refused) ||
          std::ranges::contains(may_go, set_of(path)))
        continue;
      auto found = now.find(path);
      ASSERT_NE(found, now.end()) << path << " is gone";
      EXPECT_TRUE(found->second == content) << path << " was changed";
    }
    if (expected_.kind != Kind::refused) return;
    for (const auto& [path, content] : now)
      EXPECT_TRUE(before_.files_.contains(path)) << path << " was written";
  }

  void connections() const {
    if (expected_.kind != Kind::refused || !before_.connections_) return;
    EXPECT_EQ(before_.connections_(), before_.connected_) << "a server was asked";
  }

  // The time of the last success moves with a success, and only then.
  void metrics() const {
    if (before_.last_success_.empty() || expected_.verb != "run") return;
    if (expected_.exit != 0) {
      EXPECT_EQ(last_success(agent_), before_.last_success_);
    }
  }

  void left() const { agent_.expect_nothing_left(); }

  // The run without the fault: succeeds, cleans up, and everything that was sound still is.
  void after(const std::function<Finished()>& next) const {
    if (!next) {
      EXPECT_NE(expected_.kind, Kind::fails) << "the next run was not given";
    } else {
      auto run = next();
      EXPECT_EQ(run.exit_code, 0) << "the next run: " << run.text();
      auto outcome = outcome_of(run);
      if (outcome.is_object() && outcome["verb"] == "run" && !outcome["places"].empty()) {
        EXPECT_EQ(outcome["places"][0]["proven"], true) << run.text();
      }
      agent_.expect_nothing_left();
      for (const auto& store : before_.stores_) caught_up(store);
    }
    Names still;
    for (const auto& set : before_.sound_)
      if (std::ranges::contains(agent_.sets(), set) && !std::ranges::contains(expected_.gone, set))
        still.push_back(set);
    EXPECT_EQ(verified(agent_, still), still) << "sets that were sound";
  }

 private:
  bool makes_set() const {
    return expected_.kind == Kind::done || expected_.kind == Kind::unshipped;
  }

  // A failing destination has what it had; every other one has the new set too.
  void stored(const Store& store, const std::map<std::string, std::string>& before) const {
    bool fails = std::ranges::contains(expected_.failing, store.name);
    auto now = picture(store.directory);
    for (const auto& [path, content] : before) {
      if (path.starts_with('.')) continue;
      auto found = now.find(path);
      if (found == now.end()) {
        EXPECT_FALSE(fails) << path << " is gone from " << store.name;
      } else {
        EXPECT_TRUE(found->second == content) << path << " was changed at " << store.name;
      }
    }
    for (const auto& set : new_) {
      if (!fails) same_as_local(store, set);
      for (const auto& [path, content] : now)
        if (fails && set_of(path) == set) {
          EXPECT_TRUE(before.contains(path)) << path << " is at " << store.name;
        }
    }
  }

  void same_as_local(const Store& store, const std::string& set) const {
    EXPECT_TRUE(picture(store.directory + "/" + set) == picture(agent_.set_path(set)))
        << set << " at " << store.name << " is not what it is here";
  }

  // After the next run nothing is missing, and nothing half done is left.
  void caught_up(const Store& store) const {
    for (const auto& set : new_)
      if (std::ranges::contains(agent_.sets(), set)) same_as_local(store, set);
    for (const auto& [path, content] : picture(store.directory))
      EXPECT_FALSE(path.starts_with(".incoming-")) << path << " was left at " << store.name;
  }

  const Agent& agent_;
  const Before& before_;
  const Finished& finished_;
  const Expected& expected_;
  Names new_;  // sets
  nlohmann::json outcome_;
};

void expect_outcome(const Agent& agent, const Before& before, const Finished& finished,
                    const Expected& expected, const std::function<Finished()>& next) {
  OutcomeCheck check(agent, before, finished, expected);
  check.end_of_process();
  check.cause();
  check.outcome_line();
  check.place();
  check.destinations();
  check.new_sets();
  check.warnings();
  check.older_sets();
  check.connections();
  check.metrics();
  check.left();
  check.after(next);
}

}  // namespace snap::test
