#include "jobs/check.h"

#include <unistd.h>

#include <array>
#include <format>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "dest/local.h"
#include "jobs/agreement.h"
#include "jobs/certificates.h"
#include "jobs/cluster_name.h"
#include "jobs/inventory.h"
#include "jobs/push.h"
#include "jobs/room.h"
#include "jobs/take.h"
#include "node/collect.h"

namespace snap::jobs {
namespace {

class Doctor {
 public:
  Doctor(const Settings& settings, Seconds now)
      : settings_(settings), now_(now), cluster_(settings.config.cluster) {}

  std::vector<CheckRow> run() {
    platform();
    certificates();
    etcd();
    local();
    host_files();
    metrics();
    ok("encryption",
       "backup sets are stored in clear: they hold every Secret that etcd does not encrypt itself, "
       "so guard the directory");
    return std::move(rows_);
  }

 private:
  void ok(std::string subject, std::string text) {
    rows_.push_back({Verdict::ok, std::move(subject), std::move(text), "", Exit::done});
  }
  void warn(std::string subject, std::string text, std::string hint = "") {
    rows_.push_back(
        {Verdict::warning, std::move(subject), std::move(text), std::move(hint), Exit::done});
  }
  void fail(std::string subject, const Error& error, Exit exit) {
    rows_.push_back({Verdict::failed, std::move(subject), error.message, error.hint, exit});
  }

  void platform() {
    const auto& found = settings_.discovery;
    ok("platform", std::format("profile {}", found.profile));
    for (const auto& text : found.findings) ok("platform", text);
    for (const auto& text : found.missing) warn("platform", text);
  }

  // One row for each, in the words of `run` where there is something to say.
  void certificates() {
    for (const auto& certificate : certificates_for_etcd(settings_)) {
      auto warnings = certificate_warnings({certificate}, now_);
      for (auto& text : warnings)
        warn("certificates", std::move(text), "renew it before backups stop working");
      if (!warnings.empty()) continue;
      ok("certificates", std::format("{}: {}, ends {}", certificate.path, certificate.subject,
                                     to_rfc3339(certificate.not_after)));
    }
  }

  void etcd() {
    std::vector<std::string> warnings;
    auto client = client_for(settings_, warnings);
    for (auto& text : warnings) warn("etcd", std::move(text));
    if (!client) return fail("etcd", client.error(), etcd_exit(client.error()));
    auto cluster = look_at_cluster(*client, etcd::WithoutLeader::refuse);
    if (!cluster) return fail("etcd", cluster.error(), etcd_exit(cluster.error()));
    for (const auto& member : cluster->survey.members) {
      ok("etcd",
         std::format("{} at {}: etcd {}, {}{}, revision {}, database {}",
                     cluster->survey.name_of(member.member_id), redacted_url(member.endpoint),
                     escaped(member.version), member.is_leader() ? "leader" : "follower",
                     member.is_learner ? " (learner)" : "", member.revision,
                     human_size(member.db_size)));
    }
    for (const auto& warning : cluster->warnings) warn("etcd", warning);
    auto refusal = foreseen_refusal(settings_.config.etcd.compare_members, cluster->survey);
    if (refusal) fail("etcd", *refusal, Exit::etcd);
    ok("etcd", std::format("a run would take {}", cluster->choice.reason));
    const auto& member = cluster->choice.first().member;
    db_bytes_ = member.db_size;
    if (cluster_.empty()) {
      cluster_ = name_of_cluster(cluster->id());
      ok("etcd",
         std::format("the configuration names no cluster: its sets are those of {}", cluster_));
    }
    permission(*client, member.endpoint);
  }

  // Everybody may ask a member for its status: only a snapshot shows that we may take one. It is
  // dropped after the first bytes.
  void permission(etcd::Client& client, const std::string& endpoint) {
    std::array<std::byte, 4096> first;
    auto read = client.snapshot(endpoint)->read(first);
    if (!read) return fail("etcd", read.error(), etcd_exit(read.error()));
    ok("etcd", "it gives us snapshots");
  }

  void local() {
    const auto& directory = settings_.config.local.directory;
    auto opened = dest::open_local(directory, false);
    if (!opened && opened.error().code == Code::not_found) {
      auto possible = dest::can_create_local(directory);
      if (!possible) return fail("local", possible.error(), local_exit(possible.error()));
      ok("local", std::format("{} is not there yet; the first run creates it", directory));
      auto above = dest::open_local(parent_directory(directory), false);
      if (above) space(*above);
      return;
    }
    if (!opened) return fail("local", opened.error(), local_exit(opened.error()));
    for (const auto& warning : opened->warnings) warn("local", warning);
    // Named like a set of this node at the beginning of time: if this is killed, the next run takes
    // it away.
    auto probe = opened->place->begin(
        sets::SetName{cluster_.empty() ? "cluster" : cluster_, Seconds{}, settings_.node}.text());
    if (!probe) {
      fail("local", probe.error(), local_exit(probe.error()));
    } else {
      ok("local", std::format("{} can be written", opened->directory));
    }
    space(*opened);
    sets(*opened);
  }

  void space(const dest::LocalPlace& local) {
    auto space = local.place->space();
    if (!space) return fail("local", space.error(), local_exit(space.error()));
    auto room =
        room_for_snapshot(*space, settings_.config.local.reserve_bytes, db_bytes_, local.directory);
    if (!room) return fail("local", room.error(), Exit::no_space);
    ok("local",
       std::format("{} are free, {} of them stay reserved",
                   human_size(space->free_bytes.value_or(0)),
                   human_size(reserve_bytes(*space, settings_.config.local.reserve_bytes))));
  }

  void sets(const dest::LocalPlace& local) {
    auto inventory = read_inventory(*local.place);
    if (!inventory) return fail("local", inventory.error(), local_exit(inventory.error()));
    uint64_t proven = 0;
    for (const auto& set : inventory->sets) {
      if (set.state == sets::State::good && set.proven) ++proven;
      if (set.state != sets::State::good)
        warn("local", std::format("{}: {}", escaped(set.name), set.problem));
    }
    ok("local", std::format("{} proven sets", proven));
    if (cluster_.empty()) return;
    auto others = other_clusters_only(*inventory, cluster_);
    if (!others.empty()) warn("local", others, "is `cluster` spelled as it was?");
  }

  void host_files() {
    if (settings_.roots.empty())
      warn("host files", "no host files belong to a backup here", "name them in resources.include");
    for (const auto& root : settings_.roots) {
      host_file(root);
      rows_.back().use =
          root.named_by == node::NamedBy::config ? "named in resources.include" : escaped(root.use);
    }
  }

  // What the profile knows may be missing; what a flag or somebody named, or a vendor's restore
  // needs, may not.
  void host_file(const node::Root& root) {
    auto path = settings_.host_root == "/" ? root.path : settings_.host_root + root.path;
    if (::access(path.c_str(), R_OK) == 0) return ok("host files", escaped(root.path));
    auto error = errno_error(errno, escaped(root.path));
    if (error.code != Code::not_found) return fail("host files", error, Exit::damaged);
    auto text = std::format("{} is not on this host", escaped(root.path));
    bool harmless = root.named_by == node::NamedBy::profile ||
                    (root.named_by == node::NamedBy::flag &&
                     node::is_excluded(root.path, settings_.config.resources.exclude));
    if (harmless) return warn("host files", text);
    fail("host files", {Code::not_found, text, node::demand_for(root)}, Exit::damaged);
  }

  void metrics() {
    const auto& report = settings_.config.report;
    writable("metrics", "report.metricsFile", report.metrics_file,
             parent_directory(report.metrics_file));
    bool there = ::access(report.termination_message.c_str(), F_OK) == 0;
    writable("report", "report.terminationMessage", report.termination_message,
             there ? report.termination_message : parent_directory(report.termination_message));
    if (report.pushgateway.empty()) return;
    auto answers = ask_pushgateway(report.pushgateway);
    if (!answers) return warn("metrics", answers.error().message, answers.error().hint);
    ok("metrics", std::format("{} takes metrics", report.pushgateway));
  }

  // `path`: what must be writable for `file` to be written.
  void writable(const std::string& subject, std::string_view key, const std::string& file,
                const std::string& path) {
    if (file.empty()) return;
    if (::access(path.c_str(), W_OK) == 0)
      return ok(subject, std::format("{} can be written", file));
    auto error = errno_error(errno, path);
    warn(subject, error.message,
         std::format("make the directory of {}, writable for this user", key));
  }

  const Settings& settings_;
  Seconds now_;
  std::string cluster_;  // empty: neither the configuration nor etcd named it
  uint64_t db_bytes_ = 0;
  std::vector<CheckRow> rows_;
};

}  // namespace

std::vector<CheckRow> check_everything(const Settings& settings, Seconds now) {
  return Doctor(settings, now).run();
}

}  // namespace snap::jobs
