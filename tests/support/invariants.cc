#include "support/invariants.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>
#include <format>

#include "base/file.h"
#include "base/text.h"

namespace snap::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr auto kFutureTolerance = std::chrono::minutes(5);
constexpr uint64_t kBlock = 4096 / 512;

std::string verb_of(const Deed& deed) { return deed.args.empty() ? "" : deed.args.front(); }

// The sets of one stream that a command's rules may count, by name.
std::map<std::string, std::vector<std::string>> streams(
    const PlaceView& view, const std::function<bool(const SetView&)>& counted) {
  std::map<std::string, std::vector<std::string>> found;
  for (const auto& [name, set] : view.sets) {
    if (set.proven && counted(set)) found[set.stream()].push_back(name);
  }
  for (auto& [stream, names] : found)
    std::ranges::sort(names, {}, [&](const auto& name) { return view.sets.at(name).start; });
  return found;
}

// Names of the sets that a command says it removed.
bool reported(const std::string& set, const Deed& deed) {
  auto outcome = outcome_of(deed.finished);
  if (outcome.is_object() && outcome.contains("places")) {
    for (const auto& place : outcome["places"]) {
      for (const auto& removal : place["pruned"])
        if (removal["set"] == set) return true;
    }
  }
  for (const auto& line : split(deed.finished.out + deed.finished.err, '\n')) {
    if (line.contains(set) && line.contains("removed")) return true;
  }
  return false;
}

std::string metric(const std::string& file, const std::string& series) {
  for (const auto& line : split(read_file(file), '\n')) {
    if (line.starts_with(series)) return line;
  }
  return "";
}

}  // namespace

Invariants::Invariants(InvariantSetup setup) : setup_(std::move(setup)) {
  for (const auto& place : setup_.places) places_.push_back({.watched = place});
  changed_by_hand();
  if (setup_.etcd_state) etcd_state_ = setup_.etcd_state();
}

void Invariants::say(int invariant, const std::string& text) {
  broken_.push_back(std::format("{}: {}", invariant, text));
}

void Invariants::look(std::vector<PlaceView>& into) const {
  for (const auto& place : places_) {
    if (place.watched.refresh) place.watched.refresh();
    into.push_back(look_at(place.watched.directory));
  }
}

void Invariants::changed_by_hand(const std::set<std::string>& damaged) {
  std::vector<PlaceView> now;
  look(now);
  for (size_t i = 0; i < places_.size(); ++i) {
    places_[i].now = std::move(now[i]);
    for (const auto& [name, set] : places_[i].now.sets) places_[i].used_names.insert(name);
  }
  damaged_.insert(damaged.begin(), damaged.end());
  auto without = setup_.changing;
  for (const auto& place : setup_.places) without.push_back(place.directory);
  if (!setup_.root.empty()) tree_ = tree_digest(setup_.root, without);
  if (!setup_.metrics_file.empty())
    last_success_ = metric(setup_.metrics_file, "etcd_snapshot_last_success");
}

void Invariants::names_forgotten() {
  changed_by_hand();
  for (const auto& place : places_)
    forgotten_.insert(place.used_names.begin(), place.used_names.end());
}

bool Invariants::counts(const SetView& set, const Deed& deed) const {
  return set.start <= deed.now + kFutureTolerance;
}

std::vector<std::string> Invariants::after(const Deed& deed) {
  broken_.clear();
  std::vector<PlaceView> now;
  look(now);
  for (size_t i = 0; i < places_.size(); ++i) {
    auto& place = places_[i];
    newest_proven(place.now, now[i], deed);
    kept(place.now, now[i], deed);
    success(now[i], place.watched.name, deed);
    identical(place.now, now[i], place, deed);
    tidy(place.now, now[i], deed);
    modes(now[i]);
    space(place.now, now[i], deed);
  }
  cause(deed);
  secrets(deed);
  ended(deed);
  truth(now.front(), deed);
  auto without = setup_.changing;
  for (const auto& place : setup_.places) without.push_back(place.directory);
  if (!setup_.root.empty() && tree_digest(setup_.root, without) != tree_)
    say(10, "something outside the places has changed");
  for (size_t i = 0; i < places_.size(); ++i) places_[i].now = std::move(now[i]);
  // A name that nobody remembers may come back, with a whole set.
  std::erase_if(damaged_, [&](const auto& name) {
    return forgotten_.contains(name) && std::ranges::none_of(places_, [&](const auto& place) {
             return place.now.sets.contains(name);
           });
  });
  for (auto& text : broken_) text += " (after " + join(deed.args, " ") + ")";
  return broken_;
}

void Invariants::newest_proven(const PlaceView& before, const PlaceView& after, const Deed& deed) {
  auto counted = [&](const SetView& set) { return counts(set, deed); };
  auto now = streams(after, counted);
  for (const auto& [stream, names] : streams(before, counted)) {
    auto newest = before.sets.at(names.back()).start;
    if (now[stream].empty() || after.sets.at(now[stream].back()).start < newest)
      say(2, names.back() + ", the newest proven set, is gone");
  }
}

void Invariants::kept(const PlaceView& before, const PlaceView& after, const Deed& deed) {
  auto counted = [&](const SetView& set) { return counts(set, deed); };
  auto now = streams(after, counted);
  for (const auto& [stream, names] : streams(before, counted)) {
    // `remove` takes one, and with --force also one of the newest.
    auto removed = size_t{verb_of(deed) == "remove"} + size_t{deed.beside == "remove"};
    auto by_rule = std::min<size_t>(setup_.keep_last, names.size());
    auto least =
        removed == 1 && deed.alone() ? names.size() - 1 : by_rule - std::min(by_rule, removed);
    if (now[stream].size() < least)
      say(3, std::format("{} proven sets are left of {}", now[stream].size(), names.size()));
  }
  for (const auto& pin : before.pins) {
    if (before.sets.contains(pin) && !after.sets.contains(pin)) say(3, pin + " was pinned");
  }
}

void Invariants::success(const PlaceView& after, const std::string& place, const Deed& deed) {
  for (const auto& [name, set] : after.sets) {
    if (!set.whole && !damaged_.contains(name)) say(4, name + ": " + set.problem);
  }
  auto outcome = outcome_of(deed.finished);
  if (verb_of(deed) != "run" || deed.finished.exit_code != 0 || !outcome.is_object()) return;
  auto name = outcome["set"].is_string() ? outcome["set"].get<std::string>() : "";
  auto set = after.sets.find(name);
  if (set == after.sets.end()) {
    say(4, std::format("exit 0, and no set {} at {}", name, place));
  } else if (!set->second.whole || !set->second.proven) {
    say(4, std::format("exit 0, and set {} at {} is not proven: {}", name, place,
                       set->second.problem));
  }
}

void Invariants::identical(const PlaceView& before, const PlaceView& after, Place& place,
                           const Deed& deed) {
  bool told = deed.heard && deed.finished.signal == 0 && deed.alone();
  for (const auto& [name, old] : before.sets) {
    auto set = after.sets.find(name);
    if (set != after.sets.end()) {
      if (set->second.files != old.files) say(5, name + " has changed");
      continue;
    }
    if (!after.remains.contains(name) && told && !reported(name, deed))
      say(5, name + " is gone, and no report says so");
  }
  for (const auto& name : after.remains) {
    if (!before.remains.contains(name) && !before.sets.contains(name))
      say(5, name + " has appeared without a manifest");
  }
  for (const auto& other : before.others) {
    if (!after.others.contains(other)) say(5, other + " was not ours, and is gone");
  }
  for (const auto& [name, set] : after.sets) {
    if (!before.sets.contains(name) && !place.used_names.insert(name).second &&
        !forgotten_.contains(name))
      say(5, name + " was the name of an earlier set");
  }
}

void Invariants::tidy(const PlaceView& before, const PlaceView& after, const Deed& deed) {
  bool ran = verb_of(deed) == "run" && deed.finished.exit_code == 0 && deed.clean && deed.alone();
  auto own = [&](const std::string& name) {
    return name.starts_with(setup_.cluster + "_") && name.ends_with("_" + setup_.node);
  };
  for (const auto& name : after.incoming) {
    // Also a run that failed cleans up after itself, as long as nothing keeps it from doing so.
    bool new_one = !before.incoming.contains(name);
    if (own(name) && (ran || (new_one && deed.clean && deed.finished.signal == 0 && deed.alone())))
      say(6, ".incoming-" + name + " is left");
  }
  if (!ran) return;
  for (const auto& name : after.temporary) say(6, name + " is left");
  for (const auto& name : after.removing) {
    // A set whose removal left somebody's file stays named as being removed.
    if (!after.remains.contains(name)) say(6, "the removal of " + name + " is not finished");
  }
  auto outcome = outcome_of(deed.finished);
  if (!outcome.is_object() || outcome["places"].empty()) return;
  auto left = static_cast<size_t>(std::ranges::count_if(before.incoming, own));
  if (outcome["places"][0]["leftovers_removed"].size() != left)
    say(15, std::format("{} leftovers were there, reported are {}", left,
                        outcome["places"][0]["leftovers_removed"].dump()));
}

void Invariants::cause(const Deed& deed) {
  const auto& done = deed.finished;
  if (done.signal != 0 || !deed.heard) return;
  if (done.exit_code == 127 && done.err.contains("error while loading shared libraries")) return;
  if (done.exit_code < 0 || done.exit_code > 9) {
    say(7, std::format("exit status {} is in no table", done.exit_code));
    return;
  }
  auto lines = split(done.err, '\n');
  auto tells = [&](const std::string& text) {
    return std::ranges::any_of(lines, [&](const auto& line) {
      return (line.contains(" error ") || line.starts_with("etcd-snapshot: ")) &&
             line.contains(text);
    });
  };
  if (done.exit_code != 0 && !tells("")) say(7, "no line of standard error names a cause");
  if (verb_of(deed) != "run" || done.err.contains("etcd-snapshot: ")) return;
  auto outcome = outcome_of(done);
  if (!outcome.is_object()) {
    say(7, "there is no outcome line");
    return;
  }
  if (outcome["exit"] != done.exit_code) say(7, "the outcome line names another exit status");
  if (outcome["error"].is_null() != (done.exit_code == 0))
    say(7, "exit status and error of the outcome line disagree");
  if (outcome["error"].is_object() && !tells(outcome["error"]["message"].get<std::string>()))
    say(7, "standard error does not have the cause of the outcome line");
}

void Invariants::secrets(const Deed& deed) {
  std::vector<std::pair<std::string, std::string>> texts{
      {"the output", deed.finished.out + deed.finished.err}};
  for (const auto& place : setup_.places) {
    if (!fs::exists(place.directory)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(place.directory)) {
      auto kind = entry.path().extension();
      if (entry.is_regular_file() && kind != ".db" && kind != ".gz")
        texts.emplace_back(entry.path(), read_file(entry.path()));
    }
  }
  if (!setup_.metrics_file.empty())
    texts.emplace_back(setup_.metrics_file, read_file(setup_.metrics_file));
  for (const auto& [where, text] : texts) {
    for (const auto& secret : setup_.secrets)
      if (text.contains(secret)) say(9, "a secret stands in " + where);
  }
}

void Invariants::modes(const PlaceView& after) {
  for (const auto& text : after.modes) say(10, text);
}

void Invariants::space(const PlaceView& before, const PlaceView& after, const Deed& deed) {
  bool failed = verb_of(deed) == "run" && deed.finished.exit_code > 0 && deed.alone() && deed.clean;
  bool same = before.sets.size() == after.sets.size() && before.remains == after.remains;
  // The lock file and the notes' directories may be new.
  auto allowed = before.blocks + kBlock * (after.directories + 1);
  if (failed && same && after.blocks > allowed)
    say(11, std::format("{} blocks were used before, {} are now", before.blocks, after.blocks));
}

void Invariants::ended(const Deed& deed) {
  if (deed.finished.timed_out || deed.took > setup_.limit)
    say(12, std::format("it took {} ms", deed.took.count()));
  auto path = std::format("{}/.lock-{}", setup_.places.front().directory, setup_.cluster);
  Fd lock(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (deed.alone() && lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    say(12, "something still holds the lock");
  if (setup_.peak_rss_kib != 0 && deed.finished.peak_rss_kib > setup_.peak_rss_kib)
    say(13, std::format("it used {} KiB of memory", deed.finished.peak_rss_kib));
}

void Invariants::truth(const PlaceView& after, const Deed& deed) {
  if (verb_of(deed) != "run") return;
  auto outcome = outcome_of(deed.finished);
  if (!setup_.metrics_file.empty() && deed.finished.signal == 0 && deed.clean && deed.alone()) {
    auto success = metric(setup_.metrics_file, "etcd_snapshot_last_success");
    if (deed.finished.exit_code != 0 && success != last_success_)
      say(16, "the last success moved, and the exit status was not 0");
  }
  if (!setup_.metrics_file.empty())
    last_success_ = metric(setup_.metrics_file, "etcd_snapshot_last_success");
  if (!outcome.is_object() || outcome["places"].empty() || !deed.alone()) return;
  const auto& local = outcome["places"][0];
  auto name = outcome["set"].is_string() ? outcome["set"].get<std::string>() : "";
  if (local["has_set"].get<bool>() != after.sets.contains(name))
    say(16, "the outcome line is wrong about " + name);
  if (local["has_set"] == true && after.sets.contains(name) &&
      outcome["snapshot"]["bytes"] != after.sets.at(name).snapshot_bytes)
    say(16, "the outcome line has another size than the snapshot");
  if (!local["sets"].is_object() || !deed.clean) return;
  uint64_t proven = 0, unproven = 0;
  for (const auto& [set_name, set] : after.sets) {
    if (set.cluster != setup_.cluster || damaged_.contains(set_name)) continue;
    ++(set.proven ? proven : unproven);
  }
  // A set that was damaged below its size still counts: only verify can tell.
  auto damaged = static_cast<uint64_t>(
      std::ranges::count_if(damaged_, [&](const auto& s) { return after.sets.contains(s); }));
  auto told = local["sets"]["proven"].get<uint64_t>() + local["sets"]["unproven"].get<uint64_t>();
  if (told < proven + unproven || told > proven + unproven + damaged)
    say(16, std::format("{} sets are there, the outcome line says {}", proven + unproven, told));
}

void Invariants::etcdutl_agrees(const std::string& name, const SetView& set) {
  auto path = setup_.places.front().directory + "/" + name + "/" + set.snapshot_file;
  for (const auto& program : setup_.etcdutl) {
    auto& said = etcdutl_said_[program + " " + set.files.at(set.snapshot_file)];
    if (said.empty()) said = run({.argv = {program, "snapshot", "status", "-w", "json", path}}).out;
    auto json = Json::parse(said, nullptr, false);
    if (json.is_discarded() || json["hash"] != set.hash || json["revision"] != set.revision ||
        json["totalSize"] != set.snapshot_bytes - 32)
      say(8, std::format("{} says of {}: {}", program, name, said));
  }
}

std::vector<std::string> Invariants::at_end(const Json& listed,
                                            const std::function<int(const std::string&)>& verify) {
  broken_.clear();
  const auto& view = places_.front().now;
  std::set<std::string> names;
  for (const auto& row : listed) {
    auto name = row["set"].get<std::string>();
    if (row["state"] != "good") continue;
    names.insert(name);
    auto set = view.sets.find(name);
    if (set == view.sets.end()) {
      say(1, "list shows " + name + ", which is not there");
      continue;
    }
    bool sound = !damaged_.contains(name) && set->second.proven;
    auto exit = verify(name);
    if (exit != (sound ? 0 : 4)) say(1, std::format("verify of {} exits with {}", name, exit));
    if (!damaged_.contains(name)) etcdutl_agrees(name, set->second);
  }
  for (const auto& [name, set] : view.sets) {
    if (set.whole && !names.contains(name) && !damaged_.contains(name))
      say(1, "list does not show " + name);
  }
  if (setup_.etcd_state && setup_.etcd_state() != etcd_state_)
    say(14, "etcd is not as it was: " + setup_.etcd_state() + "; it was: " + etcd_state_);
  return broken_;
}

}  // namespace snap::test
