#include "jobs/backup.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <format>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "dest/local.h"
#include "jobs/agreement.h"
#include "jobs/archives.h"
#include "jobs/backup_set.h"
#include "jobs/certificates.h"
#include "jobs/claim.h"
#include "jobs/cluster_name.h"
#include "jobs/conclude.h"
#include "jobs/deliver.h"
#include "jobs/lock.h"
#include "jobs/prune.h"
#include "jobs/room.h"
#include "jobs/take.h"

namespace snap::jobs {
namespace {

using Clock = std::chrono::steady_clock;

// One run. Each stage returns what went wrong; the first failure before the set is published ends
// the run.
class Backup {
 public:
  Backup(const Settings& settings, const BackupRequest& request, const Surroundings& around)
      : settings_(settings),
        request_(request),
        around_(around),
        agreement_(settings.config.etcd.compare_members,
                   {.each = settings.config.etcd.stall_timeout,
                    .total = 2 * settings.config.etcd.stall_timeout,
                    .stop = around.stop}) {
    outcome_.version = request.version;
    outcome_.node = settings.node;
    outcome_.cluster = settings.config.cluster;
    outcome_.trigger = request.trigger;
    outcome_.warnings = request.warnings;
    outcome_.started = around.clock();
    outcome_.places.push_back(
        {.name = "local", .type = "local", .label = settings.config.local.directory});
  }

  report::Outcome run() {
    using Stage = std::optional<Failure> (Backup::*)();
    constexpr std::pair<const char*, Stage> kStages[] = {
        {"lock", &Backup::lock},   {"preflight", &Backup::preflight}, {"take", &Backup::take},
        {"prove", &Backup::prove}, {"collect", &Backup::collect},     {"publish", &Backup::publish},
        {"ship", &Backup::ship},   {"prune", &Backup::prune}};
    for (const auto& [name, stage] : kStages) {
      if (!run_stage(name, [&, stage = stage] { return (this->*stage)(); })) break;
    }
    set_.reset();  // an unpublished set goes away before the run is over
    finish();
    return std::move(outcome_);
  }

 private:
  // Runs one stage and notes its time. False when the run ends here.
  template <class Do>
  bool run_stage(const std::string& name, Do stage) {
    auto begun = Clock::now();
    stage_ = name;
    std::optional<Failure> failure;
    if (around_.stop.stop_requested()) {
      failure = interrupted();
    } else {
      failure = stage();
    }
    around_.progress.end();
    outcome_.stages.push_back(
        {name, std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun)});
    if (!failure) return true;
    if (failure->error.code == Code::cancelled)
      failure->error.message = std::format("interrupted in stage {}", name);
    fail(std::move(*failure));
    return false;
  }

  void fail(Failure failure) {
    around_.log.error(failure.error);
    failures_.push_back(std::move(failure));
  }

  void warn(const std::string& text) {
    around_.log.warn(text);
    outcome_.warnings.push_back(text);
  }

  report::PlaceFacts& local_facts() { return outcome_.places.front(); }

  void place_failed(const Error& error) {
    local_facts().failed = true;
    local_facts().problem = error.message;
  }

  Failure interrupted() const {
    return {Exit::unexpected, stage_, {Code::cancelled, "interrupted", ""}};
  }

  std::optional<Failure> local_failure(const Error& error) const {
    return Failure{local_exit(error), stage_, error};
  }

  std::optional<Failure> lock();
  std::optional<Failure> take_lock();
  std::optional<Failure> preflight();
  std::optional<Failure> no_way_to_etcd(const Error& error);
  std::optional<Failure> make_room(const etcd::MemberStatus& member, const Inventory& inventory);
  void warn_of_new_stream(const Inventory& inventory);
  std::optional<Failure> begin_set();
  std::optional<Failure> take();
  std::optional<Failure> prove();
  std::optional<Failure> ask_members();
  std::optional<Failure> judge_members();
  std::optional<Failure> collect();
  std::optional<Failure> publish();
  std::optional<Failure> ship();
  std::optional<Failure> prune();
  bool dated_in_the_future(const sets::SetInfo& set) const {
    return set.parts.start > outcome_.started + retain::kFutureTolerance;
  }
  void finish();

  const Settings& settings_;
  const BackupRequest& request_;
  const Surroundings& around_;
  report::Outcome outcome_;
  std::vector<Failure> failures_;
  std::string stage_;

  dest::LocalPlace local_;
  std::optional<RunLock> lock_;
  std::optional<etcd::Client> client_;
  std::optional<Cluster> cluster_;
  std::optional<uint64_t> room_bytes_;
  std::unique_ptr<BackupSet> set_;
  Seconds start_{};      // in the set's name
  uint64_t source_ = 0;  // id of the member that the snapshot was taken from
  Agreement agreement_;
};

std::optional<Failure> Backup::lock() {
  auto local = dest::open_local(settings_.config.local.directory, true);
  if (!local) return local_failure(local.error());
  local_ = std::move(*local);
  local_facts().label = local_.directory;
  for (const auto& warning : local_.warnings) warn(warning);
  // Without a name in the configuration the cluster gets one from etcd, and the lock has to wait.
  return outcome_.cluster.empty() ? std::nullopt : take_lock();
}

std::optional<Failure> Backup::take_lock() {
  auto lock = RunLock::acquire(local_.directory, outcome_.cluster, outcome_.started);
  if (!lock && lock.error().code == Code::unavailable)
    return Failure{Exit::locked, stage_, lock.error()};
  if (!lock) return local_failure(lock.error());
  lock_ = std::move(*lock);
  auto cleaned = clean_up(*local_.place, {outcome_.cluster, settings_.node, outcome_.started});
  for (const auto& text : cleaned.removed) around_.log.warn(text);
  for (const auto& problem : cleaned.problems) warn(problem);
  local_facts().leftovers_removed = std::move(cleaned.removed);
  return std::nullopt;
}

std::optional<Failure> Backup::preflight() {
  for (const auto& finding : settings_.discovery.findings) around_.log.debug(finding);
  std::vector<std::string> warnings;
  auto client = client_for(settings_, warnings);
  for (const auto& text : warnings) warn(text);
  if (!client) return no_way_to_etcd(client.error());
  client_.emplace(std::move(*client));
  for (const auto& text : certificate_warnings(certificates_for_etcd(settings_), outcome_.started))
    warn(text);
  auto cluster = look_at_cluster(*client_, etcd::WithoutLeader::refuse);
  if (!cluster) return no_way_to_etcd(cluster.error());
  cluster_ = std::move(*cluster);
  for (const auto& warning : cluster_->warnings) warn(warning);
  outcome_.cluster_id = to_hex(cluster_->id());
  if (!lock_) {
    outcome_.cluster = name_of_cluster(cluster_->id());
    if (auto failure = take_lock()) return failure;
  }
  auto inventory = read_inventory(*local_.place);
  // What lies there already only feeds warnings and a hint: it must not keep a new backup from
  // being made.
  if (!inventory) warn(describe(inventory.error()));
  if (!inventory) inventory = Inventory{};
  warn_of_new_stream(*inventory);
  if (auto failure = make_room(cluster_->choice.first().member, *inventory)) return failure;
  return begin_set();
}

// What was looked for on this host in vain may be why.
std::optional<Failure> Backup::no_way_to_etcd(const Error& error) {
  for (const auto& text : settings_.discovery.missing) warn(text);
  return Failure{etcd_exit(error), stage_, error};
}

std::optional<Failure> Backup::make_room(const etcd::MemberStatus& member,
                                         const Inventory& inventory) {
  auto space = local_.place->space();
  if (!space) return local_failure(space.error());
  local_facts().free_bytes = space->free_bytes;
  auto room = room_for_snapshot(*space, settings_.config.local.reserve_bytes, member.db_size,
                                local_.directory);
  if (room) {
    room_bytes_ = *room;
    return std::nullopt;
  }
  auto error = room.error();
  retain::Occasion occasion{.mode = retain::Mode::prune,
                            .now = outcome_.started,
                            .stream = {outcome_.cluster, cluster_->id()},
                            .just_made = {}};
  auto verdicts = retain::decide(inventory.sets, policy_of(settings_.config.retention), occasion);
  error.hint += std::format("; etcd-snapshot prune would free {}",
                            human_size(prunable_bytes(inventory, verdicts)));
  return local_failure(error);
}

// A cluster that was restored has a new id: its sets are a new stream, and retention leaves those
// of the old one alone.
void Backup::warn_of_new_stream(const Inventory& inventory) {
  // A name that comes from the id changes with it: then the sets of any cluster count.
  bool named = !settings_.config.cluster.empty() ||
               std::ranges::any_of(inventory.sets, [&](const sets::SetInfo& set) {
                 return set.parts.cluster == outcome_.cluster;
               });
  auto newest = std::ranges::find_if(inventory.sets, [&](const sets::SetInfo& set) {
    return set.state == sets::State::good && !dated_in_the_future(set) &&
           (!named || set.parts.cluster == outcome_.cluster);
  });
  if (newest == inventory.sets.end() || newest->cluster_id == cluster_->id()) return;
  warn(
      std::format("etcd's cluster id is {}, that of the newest set {}: a new stream begins, the "
                  "sets of the old one are kept until "
                  "you remove them",
                  to_hex(cluster_->id()), to_hex(newest->cluster_id)));
}

std::optional<Failure> Backup::begin_set() {
  const sets::SetName wanted{outcome_.cluster, outcome_.started, settings_.node};
  auto claimed = request_.set_name ? claim_given(*local_.place, *request_.set_name, wanted.cluster)
                                   : claim_free(*local_.place, wanted, *lock_);
  if (!claimed) return local_failure(claimed.error());
  outcome_.set = claimed->name.text();
  start_ = claimed->name.start;
  if (!request_.set_name && start_ != wanted.start)
    warn(
        std::format("a set with this start exists already (was the clock set back?): this one is "
                    "named {}",
                    outcome_.set));
  set_ = std::make_unique<BackupSet>(
      claimed->name, std::move(claimed->incoming),
      std::format("{}/{}", local_.directory, dest::incoming_name(outcome_.set)));
  return std::nullopt;
}

std::optional<Failure> Backup::take() {
  around_.log.info(std::format("taking the snapshot from {}", cluster_->choice.reason));
  TakeOptions options{.open_sink = [&] { return set_->create_snapshot(); },
                      .room_bytes = room_bytes_,
                      .progress = report::step_of(around_.progress, "taking the snapshot"),
                      .retrying = [&](const std::string& text) { around_.log.warn(text); },
                      .stop = around_.stop};
  auto taken = take_snapshot(*client_, *cluster_, options);
  if (!taken) return Failure{etcd_exit(taken.error()), stage_, taken.error()};
  for (const auto& warning : taken->warnings) warn(warning);
  around_.progress.end();
  around_.log.info(std::format("took {} from {}: its SHA-256 equals the member's",
                               human_size(taken->digest.size_bytes), taken->member.name));
  source_ = taken->member.member.member_id;
  set_->took(std::move(*taken), *cluster_);
  return std::nullopt;
}

// At once, while the snapshot is still in memory.
std::optional<Failure> Backup::ask_members() {
  while (true) {
    OwnSnapshot snapshot{source_, [&] { return set_->extent(); },
                         [&](const snapshot::Extent& extent, int64_t compact_revision) {
                           return set_->own_hash(extent, compact_revision, around_.stop);
                         }};
    auto next = agreement_.ask(*client_, cluster_->survey, snapshot);
    if (!next) return local_failure(next.error());
    if (*next == Agreement::Next::go_on) return std::nullopt;
    warn(
        std::format("etcd compacted revision {} before its members could be compared: taking "
                    "another snapshot",
                    agreement_.revision()));
    set_.reset();
    if (auto failure = begin_set()) return failure;
    if (auto failure = take()) return failure;
  }
}

std::optional<Failure> Backup::judge_members() {
  if (agreement_.proof()) set_->compared(*agreement_.proof());
  auto verdict = agreement_.verdict();
  if (!verdict.agreed.empty()) around_.log.info(verdict.agreed);
  if (!verdict.doubt.empty()) warn(verdict.doubt);
  if (verdict.differs) fail({Exit::damaged, stage_, *verdict.differs});
  if (verdict.refused) return Failure{Exit::etcd, stage_, *verdict.refused};
  return std::nullopt;
}

std::optional<Failure> Backup::prove() {
  if (auto failure = ask_members()) return failure;
  auto progress = report::step_of(around_.progress, "proving the snapshot");
  auto proven = set_->prove_snapshot(settings_.config.verify.level, progress, around_.stop);
  if (!proven) return local_failure(proven.error());
  around_.progress.end();
  outcome_.snapshot = set_->snapshot_facts();
  const auto& mvcc = set_->proof().mvcc;
  if (mvcc.outcome == sets::Outcome::failed) {
    // It is what the member holds, and may be all there is: the set is kept, and never called
    // proven.
    fail({Exit::damaged,
          stage_,
          {Code::corrupt, std::format("the member's data is damaged: {}", mvcc.reason),
           "compare the members with etcdctl endpoint hashkv --cluster; the set is kept but does "
           "not count as proven"}});
  } else {
    around_.log.info(std::format("proved it at level {}: revision {}",
                                 config::name_of(settings_.config.verify.level),
                                 outcome_.snapshot->revision));
  }
  return judge_members();
}

std::optional<Failure> Backup::collect() {
  uint64_t entries = 0;
  std::vector<node::Note> incomplete;
  for (const auto& options : archives_of(settings_, local_.directory, around_.stop)) {
    auto collected = set_->collect(options);
    if (!collected) return local_failure(collected.error());
    for (const auto& note : collected->notes)
      around_.log.debug(std::format("{}: {}", note.path, note.text));
    // Those that etcd is reached with were warned about before.
    for (const auto& text : certificate_warnings(collected->certificates, outcome_.started)) {
      if (!std::ranges::contains(outcome_.warnings, text)) warn(text);
    }
    entries += collected->entries;
    std::ranges::copy(collected->incomplete, std::back_inserter(incomplete));
  }
  outcome_.resources = set_->resource_facts();
  around_.log.info(entries == 0 && incomplete.empty()
                       ? "archived no host files: this host has none that belong to a control plane"
                       : std::format("archived {} host files and directories", entries));
  if (incomplete.empty()) return std::nullopt;
  const auto& first = incomplete.front();
  auto more = incomplete.size() > 1 ? std::format(" (and {} more)", incomplete.size() - 1) : "";
  // The set is kept, and never called proven.
  fail({Exit::damaged,
        stage_,
        {Code::corrupt,
         std::format("host files are incomplete: {}: {}{}", first.path, first.text, more),
         "correct resources.include or the permissions; the set is kept but does not count as "
         "proven"}});
  return std::nullopt;
}

std::optional<Failure> Backup::publish() {
  auto finished = std::max(around_.clock(), outcome_.started);
  auto remembered = lock_->remember(start_);
  if (!remembered) return local_failure(remembered.error());
  auto published = set_->publish({.cluster = outcome_.cluster,
                                  .trigger = request_.trigger,
                                  .node = settings_.node,
                                  .agent = request_.version,
                                  .finished = finished,
                                  .warnings = outcome_.warnings});
  if (!published) return local_failure(published.error());
  local_facts().has_set = true;
  local_facts().proven = set_->proven();
  outcome_.proof = set_->proof_facts();
  around_.log.info(std::format("published {} in {}{}", outcome_.set, local_.directory,
                               set_->proven() ? "" : ", not proven"));
  return std::nullopt;
}

// What fails at one destination stops neither the others nor the run: the next run brings there
// what is missing.
std::optional<Failure> Backup::ship() {
  if (request_.places.empty()) return std::nullopt;
  auto inventory = read_inventory(*local_.place);
  if (!inventory) return Failure{Exit::destination_failed, stage_, inventory.error()};
  DeliveryRequest delivery{.local_directory = local_.directory,
                           .cluster = outcome_.cluster,
                           .node = settings_.node,
                           .stream = {outcome_.cluster, cluster_->id()},
                           .started = outcome_.started,
                           .set = outcome_.set,
                           .proven = set_->proven(),
                           .policy = policy_of(settings_.config.retention),
                           .prune = request_.prune};
  for (auto& done : deliver(request_.places, *inventory, delivery, around_)) {
    outcome_.places.push_back(std::move(done.facts));
    std::ranges::move(done.warnings, std::back_inserter(outcome_.warnings));
    std::ranges::move(done.failures, std::back_inserter(failures_));
  }
  if (around_.stop.stop_requested()) return interrupted();
  return std::nullopt;
}

std::optional<Failure> Backup::prune() {
  auto inventory = read_inventory(*local_.place);
  if (!inventory) {
    place_failed(inventory.error());
    return Failure{Exit::prune_failed, stage_, inventory.error()};
  }
  if (request_.prune) {
    retain::Occasion occasion{.mode = retain::Mode::run,
                              .now = std::max(around_.clock(), outcome_.started),
                              .stream = {outcome_.cluster, cluster_->id()},
                              .just_made = outcome_.set};
    auto applied =
        apply_retention(*local_.place, *inventory, policy_of(settings_.config.retention), occasion);
    for (const auto& removal : applied.removed)
      around_.log.info(std::format("removed {}: {}", removal.set, removal.reason));
    for (const auto& warning : applied.warnings) warn(warning);
    for (auto& failure : applied.failures) {
      place_failed(failure.error);
      fail(std::move(failure));
    }
    local_facts().pruned = std::move(applied.removed);
  }
  take_stock(local_facts(), *local_.place, *inventory, outcome_.cluster, outcome_.started);
  return std::nullopt;
}

void Backup::finish() {
  outcome_.finished = std::max(around_.clock(), outcome_.started);
  outcome_.exit = Exit::done;
  for (const auto& failure : failures_) {
    auto graver = report::graver(outcome_.exit, failure.exit);
    if (graver == outcome_.exit && outcome_.error) continue;
    outcome_.exit = graver;
    outcome_.error = report::Failure{failure.error, failure.stage};
  }
  conclude(outcome_, settings_.config, request_.places, local_.place.get(), around_.log);
}

}  // namespace

report::Outcome run_backup(const Settings& settings, const BackupRequest& request,
                           const Surroundings& around) {
  return Backup(settings, request, around).run();
}

}  // namespace snap::jobs
