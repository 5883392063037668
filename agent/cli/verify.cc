// etcd-snapshot verify FILE|SET...: is it whole? Needs no cluster.
#include <charconv>
#include <filesystem>
#include <format>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/command.h"
#include "cli/context.h"
#include "cli/places.h"
#include "dest/local.h"
#include "jobs/cluster_name.h"
#include "jobs/everywhere.h"
#include "jobs/metrics.h"
#include "jobs/reproof.h"
#include "jobs/verify_set.h"
#include "report/progress.h"
#include "report/table.h"
#include "sets/name.h"

namespace snap::cli {
namespace {

struct Options {
  std::vector<std::string> names;
  std::string at, sample;
  std::string level = "mvcc";
};

nlohmann::ordered_json to_json(const jobs::Verified& verified, const std::string& level) {
  nlohmann::ordered_json findings = nlohmann::ordered_json::array();
  for (const auto& finding : verified.findings) {
    nlohmann::ordered_json row{{"level", snapshot::name_of(finding.level)}, {"file", finding.file}};
    if (finding.page) row["page"] = *finding.page;
    if (finding.byte) row["byte"] = *finding.byte;
    row["what"] = finding.what;
    findings.push_back(std::move(row));
  }
  nlohmann::ordered_json json{
      {"name", verified.path},         {"kind", verified.is_set ? "set" : "snapshot"},
      {"sound", verified.sound()},     {"level", level},
      {"size", verified.size_bytes},   {"sha256", verified.sha256},
      {"findings", findings},          {"more_findings", verified.more_findings},
      {"unproven", verified.unproven}, {"warnings", verified.warnings}};
  if (verified.status) {
    json["hash"] = verified.status->hash;
    json["revision"] = verified.status->revision;
  }
  return json;
}

std::string to_text(const jobs::Verified& verified, const std::string& level) {
  std::string text;
  for (const auto& finding : verified.findings) text += snapshot::describe(finding) + "\n";
  if (verified.more_findings > 0)
    text += std::format("and {} more findings\n", verified.more_findings);
  auto name = escaped(verified.path);
  for (const auto& reason : verified.unproven)
    text += std::format("not proven when it was made: {}\n", reason);
  if (verified.findings.empty() && !verified.unproven.empty()) {
    return text +
           std::format("{}: every file is sound, but the set was NOT PROVEN when it was made\n",
                       name);
  }
  if (!verified.sound()) return text + std::format("{}: DAMAGED\n", name);
  auto facts = verified.status ? std::format(", revision {}, hash {:x}", verified.status->revision,
                                             verified.status->hash)
                               : std::string();
  return text + std::format("{}: sound at level {} ({}{})\n", name, level,
                            human_size(verified.size_bytes), facts);
}

// A word that is no path and reads like the name of a set means the set of the configured
// directory.
Result<std::string> path_of(const std::string& name, Context& context,
                            std::optional<config::Config>& config) {
  std::error_code ignored;
  if (name.contains('/') || !sets::SetName::parse(name) || std::filesystem::exists(name, ignored))
    return name;
  if (!config) config = TRY(context.load(config::Need::sets));
  return config->local.directory + "/" + name;
}

// What was read again of the sets in the local directory, for the metrics.
struct OwnSets {
  std::optional<config::Config> config;  // nothing: no set of it was named
  std::string cluster;
  report::ReproofFacts facts{.place = "local"};
};

void put_into_metrics(const config::Config& config, const std::string& cluster,
                      const std::vector<report::ReproofFacts>& facts,
                      const std::vector<std::string>& places, Context& context) {
  for (const auto& problem : jobs::report_reproofs(config.report, cluster, facts, places))
    context.log().warn(problem);
}

report::Exit verify_one(const std::string& name, const Options& options, Context& context,
                        OwnSets& own, nlohmann::ordered_json& results) {
  auto path = path_of(name, context, own.config);
  if (!path) return context.fail(jobs::local_exit(path.error()), path.error());
  bool is_own = *path != name;
  if (is_own) {
    own.cluster = sets::SetName::parse(name)->cluster;
    ++own.facts.checked;
  }
  std::error_code ignored;
  auto progress = report::make_progress(context.log());
  snapshot::VerifyOptions verify{
      .level = snapshot::level_named(options.level).value_or(snapshot::Level::mvcc),
      // A set is read from the disk; a file may be a pipe's or a user's, and is read as it comes.
      .past_page_cache = std::filesystem::is_directory(*path, ignored),
      .threads = 2,
      .stop = context.stop(),
      .progress = report::step_of(*progress, std::format("verifying {}", escaped(name)))};
  auto verified = jobs::verify_path(*path, verify);
  progress->end();
  if (!verified) {
    // A name that is no set's says nothing about the place.
    if (is_own && verified.error().code == Code::not_found) --own.facts.checked;
    if (is_own && verified.error().code != Code::not_found) ++own.facts.unreadable;
    if (context.json())
      results.push_back({{"name", name}, {"sound", nullptr}, {"error", verified.error().message}});
    return context.fail(jobs::argument_exit(verified.error()), verified.error());
  }
  verified->path = name;
  if (is_own && !verified->findings.empty()) ++own.facts.damaged;
  for (const auto& warning : verified->warnings)
    context.log().warn(std::format("{}: {}", escaped(name), warning));
  if (context.json()) {
    results.push_back(to_json(*verified, options.level));
  } else {
    context.print(to_text(*verified, options.level));
  }
  return verified->sound() ? report::Exit::done : report::Exit::damaged;
}

Result<unsigned> percent_of(const std::string& text) {
  if (text.empty()) return 100U;
  auto digits = text.ends_with('%') ? std::string_view(text).substr(0, text.size() - 1)
                                    : std::string_view(text);
  unsigned percent = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), percent);
  if (error != std::errc() || end != digits.data() + digits.size() || percent < 1 || percent > 100)
    return fail(Code::invalid, std::format("--sample {} is no percentage", escaped(text)),
                "write it as --sample 10%");
  return percent;
}

report::Exit report_copies(const std::vector<jobs::Reproof>& proofs, const std::string& place,
                           Context& context) {
  auto exit = report::Exit::done;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& proof : proofs) {
    rows.push_back({{"set", proof.set},
                    {"sound", proof.looked ? nlohmann::ordered_json(proof.sound)
                                           : nlohmann::ordered_json(nullptr)},
                    {"how", proof.how},
                    {"problem", proof.problem},
                    {"bytes", proof.bytes}});
    if (!proof.sound)
      exit = report::graver(
          exit, proof.looked ? report::Exit::damaged : report::Exit::destination_failed);
    if (context.json()) continue;
    auto verdict = proof.sound ? std::format("sound ({}, {})", human_size(proof.bytes), proof.how)
                   : proof.looked ? "DAMAGED: " + proof.problem
                                  : "could not be read: " + proof.problem;
    context.print(std::format("{}: {}: {}\n", place, escaped(proof.set), verdict));
  }
  if (context.json())
    context.print(report::json_text(nlohmann::ordered_json{{"at", place}, {"copies", rows}}));
  return exit;
}

// Reads stored copies of one or more places again.
report::Exit verify_copies(const Options& options, Context& context) {
  auto percent = percent_of(options.sample);
  if (!percent) return context.fail(report::Exit::usage, percent.error());
  auto config = context.load(config::Need::sets);
  if (!config) return context.fail(jobs::local_exit(config.error()), config.error());
  auto known = all_places(*config, context, {options.at});
  auto places = jobs::pick(known, {options.at});
  if (!places) return context.fail(report::Exit::usage, places.error());
  // A source that is lost is no obstacle to proving the copies.
  auto original = dest::open_local(config->local.directory, false);
  auto exit = report::Exit::done;
  auto cluster = config->cluster;
  std::vector<report::ReproofFacts> facts;
  // One place after the other, each opened when its turn comes: connections that wait are closed by
  // their servers.
  for (const auto& place : *places) {
    auto views = jobs::look_everywhere({place}, context.stop());
    auto& view = views.front();
    if (!view.reached()) {
      exit = report::graver(exit,
                            context.fail(report::Exit::destination_failed, view.inventory.error()));
      continue;
    }
    auto progress = report::make_progress(context.log());
    auto proofs =
        jobs::prove_again(*view.opened, *view.inventory,
                          {.original = original ? original->place.get() : nullptr,
                           .local_directory = is_local(place) ? config->local.directory : "",
                           .sets = options.names,
                           .sample_percent = *percent,
                           .now = now_utc(),
                           .progress = report::step_of(
                               *progress, std::format("reading copies at {}", view.place.name)),
                           .stop = context.stop()});
    progress->end();
    if (!proofs) {
      auto code =
          proofs.error().code == Code::not_found ? report::Exit::usage : report::Exit::unexpected;
      exit = report::graver(exit, context.fail(code, proofs.error()));
      continue;
    }
    exit = report::graver(exit, report_copies(*proofs, view.place.name, context));
    if (cluster.empty()) cluster = jobs::newest_cluster_in(*view.inventory, now_utc());
    facts.push_back(jobs::facts_of(view.place.name, *proofs, now_utc()));
  }
  std::vector<std::string> names;
  for (const auto& place : known) names.push_back(place.name);
  put_into_metrics(*config, cluster, facts, names, context);
  return exit;
}

report::Exit run(const Options& options, Context& context) {
  if (!options.at.empty()) return verify_copies(options, context);
  if (!options.sample.empty())
    return context.fail(report::Exit::usage,
                        {Code::invalid, "--sample needs --at", "name the destination: --at nas"});
  if (options.names.empty())
    return context.fail(report::Exit::usage, {Code::invalid, "nothing to verify is named",
                                              "name a file, a set, or a place with --at"});
  auto exit = report::Exit::done;
  OwnSets own;
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  for (const auto& name : options.names)
    exit = report::graver(exit, verify_one(name, options, context, own, results));
  if (context.json()) context.print(report::json_text(results));
  if (own.facts.checked > 0) {
    own.facts.at = now_utc();
    std::vector<std::string> names{"local"};
    for (const auto& destination : own.config->destinations) names.push_back(destination.name);
    put_into_metrics(*own.config, own.config->cluster.empty() ? own.cluster : own.config->cluster,
                     {own.facts}, names, context);
  }
  return exit;
}

}  // namespace

Command verify_command() {
  auto options = std::make_shared<Options>();
  return {
      .name = "verify",
      .summary = "prove snapshot files and backup sets, offline; says what is wrong and where",
      .examples = {{"verify etcd.db"},
                   {"verify prod-east_2026-11-21T013000Z_master-0", "a set of local.directory"},
                   {"verify /mnt/usb/prod-east_2026-11-21T013000Z_master-0"},
                   {"verify --level digest etcd.db", "only length and SHA-256"},
                   {"verify --at nas", "read every copy at a destination again"},
                   {"verify --at nas --sample 10%", "a tenth of its bytes, other sets each day"}},
      .notes =
          "Changed values are found by the SHA-256 alone: bbolt has no checksum of its own for "
          "data.",
      .flags = {{"at", "DEST", "read the copies stored at this destination again; local is one too",
                 &options->at},
                {"sample", "N%",
                 "with --at: about this much of all bytes, whole sets, others each day",
                 &options->sample},
                {"level",
                 "LEVEL",
                 "digest: length and SHA-256; structure: every page of the database too; mvcc "
                 "(default): what etcd relies on in it too",
                 &options->level,
                 {"digest", "structure", "mvcc"}}},
      .arguments = {{"FILE|SET",
                     "snapshot files, sets of local.directory, or directories of one set each",
                     &options->names, false}},
      .asks_cluster = true,
      .run = [options](Context& context) { return run(*options, context); }};
}

}  // namespace snap::cli
