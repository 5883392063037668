#include "snapshot/row_rules.h"

#include <algorithm>
#include <format>

#include "base/text.h"

namespace snap::snapshot {
namespace {

constexpr size_t kShownKeyBytes = 200;

std::string name_of(const Revision& revision) {
  return std::format("{}_{}", revision.main, revision.sub);
}

std::string shown(Bytes key) {
  auto text = escaped(as_text(key.first(std::min(key.size(), kShownKeyBytes))));
  return key.size() > kShownKeyBytes ? text + "..." : text;
}

std::string problem_of_tombstone(const KeyValue& value) {
  if (value.key.empty()) return "the tombstone names no key";
  if (value.create_revision != 0 || value.mod_revision != 0 || value.version != 0 ||
      value.lease != 0 || value.has_value)
    return "the tombstone holds more than the key";
  return {};
}

// Each version of a key is a revision of its own, so there are no more of them than revisions since
// it was created.
std::string problem_of_put(const Revision& revision, const KeyValue& value) {
  if (value.key.empty()) return "the row names no key";
  if (value.mod_revision != revision.main)
    return std::format("mod_revision is {}, expected {}", value.mod_revision, revision.main);
  if (value.create_revision < 1 || value.create_revision > revision.main)
    return std::format("create_revision is {}, expected one from 1 to {}", value.create_revision,
                       revision.main);
  auto most = revision.main - value.create_revision + 1;
  if (value.version < 1 || value.version > most)
    return std::format("version is {}, expected one from 1 to {}: created at revision {}",
                       value.version, most, value.create_revision);
  return {};
}

// As `etcdctl migrate` of 3.0 to 3.4 writes them: etcd-io/etcd@v3.4.34:
// etcdctl/ctlv3/command/migrate_command.go.
bool may_be_migrated(const Revision& revision, const KeyValue& value) {
  return !revision.tombstone && revision.sub == 0 && value.version == 1 && value.lease == 0;
}

}  // namespace

void RowRules::row(const bolt::Spot& at, const Revision& revision, const KeyValue& value,
                   uint64_t value_bytes) {
  std::string problem;
  if (revision.main < 1 || revision.sub < 0)
    problem = "no revision that etcd gives";
  else if (revision.tombstone)
    problem = problem_of_tombstone(value);
  else if (value_bytes > 0)  // none at all: the mark of a restore that raised the revision
    problem = problem_of_put(revision, value);
  if (!problem.empty())
    damages_.add({at.page, at.byte,
                  std::format("row {}{}: {}", name_of(revision),
                              value.key.empty() ? "" : " of key " + shown(value.key), problem)});
  Seen now{revision, at};
  migrated_ = migrated_ && may_be_migrated(revision, value);
  if (!first_) {
    first_ = now;
    first_migrated_ = migrated_;
  } else if (auto missing = gap(last_, now)) {
    if (!migrated_)
      damages_.add(std::move(*missing));
    else if (!doubtful_)
      doubtful_ = std::move(missing);
  }
  last_ = now;
}

void RowRules::join(RowRules& next) const {
  if (next.first_) {
    auto missing = gap(last_, *next.first_);
    if (missing && !(migrated_ && next.first_migrated_)) damages_.add(std::move(*missing));
    if (next.doubtful_ && !migrated_) damages_.add(std::move(*next.doubtful_));
  } else {
    next.first_ = next.last_ = last_;
  }
  next.migrated_ = next.migrated_ && migrated_;
}

// Every transaction that changes something has the revision behind that of the one before, and its
// changes are counted from 0. Only a compaction takes rows out, up to its own revision.
std::optional<bolt::Damage> RowRules::gap(const std::optional<Seen>& before,
                                          const Seen& now) const {
  const auto& [main, sub, tombstone] = now.revision;
  if (main <= compacted_ || main < 1) return std::nullopt;
  auto last = before ? before->revision.main : 0;
  std::string expected;
  if (before && last == main) {
    if (sub != before->revision.sub + 1)
      expected = std::format("{}_{}", main, before->revision.sub + 1);
  } else if (last > compacted_ && last > 0) {
    if (main != last + 1 || sub != 0) expected = std::format("{}_0", last + 1);
  } else if (compacted_ > 0 && (main != compacted_ + 1 || sub != 0)) {
    expected = std::format("{}_0", compacted_ + 1);
  }
  if (expected.empty()) return std::nullopt;
  return bolt::Damage{
      now.at.page, now.at.byte,
      std::format("rows are missing: {} follows {}, expected {}; {}", name_of(now.revision),
                  before ? name_of(before->revision) : "none", expected,
                  compacted_ > 0 ? std::format("no row above the compaction at revision "
                                               "{} may be absent",
                                               compacted_)
                                 : "nothing was ever compacted")};
}

}  // namespace snap::snapshot
