#include "jobs/fetch.h"

#include <format>
#include <memory>
#include <utility>

#include "base/text.h"
#include "dest/local.h"
#include "jobs/lock.h"
#include "jobs/ship.h"
#include "sets/name.h"

namespace snap::jobs {
namespace {

std::unexpected<Failure> failed(Exit exit, Error error) {
  return std::unexpected(Failure{exit, "fetch", std::move(error)});
}

// An error of the directory that is written to: no other copy would help.
bool is_ours(const Error& error) {
  return error.code == Code::no_space || error.code == Code::exists ||
         error.code == Code::cancelled;
}

}  // namespace

std::expected<Fetched, Failure> fetch_set(const std::vector<Place>& sources,
                                          const FetchRequest& request, report::Log& log) {
  if (!sets::SetName::parse(request.set))
    return failed(Exit::usage,
                  {Code::invalid, std::format("{} is no name of a set", escaped(request.set)),
                   "see: etcd-snapshot list"});
  auto target = dest::open_local(request.directory, true);
  if (!target) return failed(local_exit(target.error()), target.error());
  for (const auto& warning : target->warnings) log.warn(warning);
  // Whether anything can be put there is known before any place is asked.
  auto tried = target->place->begin(request.set);
  if (!tried) {
    auto error = tried.error();
    bool taken = error.code == Code::exists;
    if (taken && error.hint.empty())
      error.hint =
          "it is there already, or an earlier fetch was cut: remove it, or name another directory";
    return failed(taken || error.code == Code::denied ? Exit::usage : local_exit(error), error);
  }
  tried->reset();
  bool unreachable = false;
  bool damaged = false;
  for (const auto& source : sources) {
    auto opened = source.open(request.stop);
    if (!opened) {
      log.warn(std::format("{} cannot be asked: {}", source.name, describe(opened.error())));
      unreachable = true;
      continue;
    }
    // Nobody removes it while it is read; that it is not there will be told below.
    auto held =
        source.type == "local" ? hold_set(source.label + "/" + request.set) : Result<Fd>(Fd());
    if (!held && held.error().code == Code::unavailable) {
      log.warn(describe(held.error()));
      unreachable = true;
      continue;
    }
    auto shipped =
        ship_set(**opened, source.name, *target->place, request.set,
                 {.take_over = false, .progress = request.progress, .stop = request.stop});
    if (shipped) return Fetched{target->directory + "/" + request.set, source.name};
    const auto& error = shipped.error();
    if (is_ours(error))
      return failed(error.code == Code::exists ? Exit::usage : local_exit(error), error);
    if (error.code == Code::not_found) {
      log.info(std::format("{} has no set {}", source.name, request.set));
    } else {
      log.warn(std::format("the copy at {} cannot be used: {}", source.name, describe(error)));
      bool bad = error.code == Code::corrupt || error.code == Code::invalid;
      (bad ? damaged : unreachable) = true;
    }
  }
  auto what = std::format("{} was not fetched: ", request.set);
  if (damaged)
    return failed(Exit::damaged,
                  {Code::corrupt, what + "no copy that was reached is sound", "see the log above"});
  if (unreachable)
    return failed(Exit::destination_failed,
                  {Code::unavailable, what + "a place that may have it cannot be reached",
                   "see the log above"});
  return failed(Exit::usage,
                {Code::not_found, what + "no place has it", "see: etcd-snapshot list"});
}

}  // namespace snap::jobs
