#include "jobs/fetch.h"

#include <algorithm>
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

// What the readings of one place come to.
struct Readings {
  bool failed = false;
  uint64_t done = 0, total = 0;  // bytes
  std::function<void(uint64_t done, uint64_t total)> progress;
};

class WatchedSource : public stream::Source {
 public:
  WatchedSource(std::unique_ptr<stream::Source> source, Readings& readings)
      : source_(std::move(source)), readings_(readings) {}
  Result<size_t> read(MutableBytes into) override {
    auto n = source_->read(into);
    if (!n) readings_.failed = true;
    if (!n || !readings_.progress || readings_.total == 0) return n;
    readings_.done = std::min(readings_.done + *n, readings_.total);
    readings_.progress(readings_.done, readings_.total);
    return n;
  }

 private:
  std::unique_ptr<stream::Source> source_;
  Readings& readings_;
};

// The place that a set comes from: tells its failures from those of the directory that it goes to.
class WatchedPlace : public dest::GroupReader {
 public:
  WatchedPlace(std::unique_ptr<dest::Destination> place, Readings& readings)
      : place_(std::move(place)), readings_(readings) {}

  Result<std::unique_ptr<stream::Source>> open(const std::string& group,
                                               const std::string& file) override {
    auto source = place_->open(group, file);
    if (!source) readings_.failed = true;
    return std::make_unique<WatchedSource>(TRY(std::move(source)), readings_);
  }

 private:
  std::unique_ptr<dest::Destination> place_;
  Readings& readings_;
};

// One set on its way back.
class Fetching {
 public:
  Fetching(dest::LocalPlace target, const FetchRequest& request, report::Log& log)
      : target_(std::move(target)), request_(request), log_(log) {}

  std::expected<Fetched, Failure> from(const std::vector<Place>& sources) {
    for (const auto& source : sources) {
      auto opened = source.open(request_.stop);
      if (!opened) {
        log_.warn(std::format("{} cannot be asked: {}", source.name, describe(opened.error())));
        unreachable_ = true;
        continue;
      }
      Readings readings{.progress = request_.progress};
      auto shipped = ship(source, std::move(*opened), readings);
      if (shipped) return Fetched{target_.directory + "/" + request_.set, source.name};
      const auto& error = shipped.error();
      if (error.code == Code::cancelled) return failed(Exit::unexpected, error);
      // Bytes that are not the manifest's came without an error.
      if (!readings.failed && error.code != Code::corrupt) return target_failed(error);
      tell(source, error);
    }
    return nowhere();
  }

 private:
  Result<Shipped> ship(const Place& source, std::unique_ptr<dest::Destination> opened,
                       Readings& readings) {
    WatchedPlace place(std::move(opened), readings);
    // Nobody removes it while it is read; that it is not there will be told below.
    auto held =
        source.type == "local" ? hold_set(source.label + "/" + request_.set) : Result<Fd>(Fd());
    if (!held && held.error().code == Code::unavailable) {
      readings.failed = true;
      return std::unexpected(held.error());
    }
    auto stored = read_manifest(place, request_.set).context(source.name);
    readings.failed = !stored;
    if (!stored) return std::unexpected(stored.error());
    for (const auto& file : stored->manifest.files) readings.total += file.size_bytes;
    return ship_set(place, source.name, *target_.place, request_.set,
                    {.take_over = false, .progress = {}, .stop = request_.stop});
  }

  void tell(const Place& source, const Error& error) {
    if (error.code == Code::not_found) {
      log_.info(std::format("{} has no set {}", source.name, request_.set));
      return;
    }
    log_.warn(std::format("the copy at {} cannot be used: {}", source.name, describe(error)));
    bool unsound = error.code == Code::corrupt || error.code == Code::invalid;
    (unsound ? damaged_ : unreachable_) = true;
  }

  // No other copy would help.
  std::unexpected<Failure> target_failed(Error error) const {
    auto exit = error.code == Code::exists     ? Exit::usage
                : error.code == Code::no_space ? Exit::no_space
                                               : Exit::unexpected;
    error.message.insert(
        0, std::format("{} was not written to {}: ", request_.set, escaped(target_.directory)));
    if (error.hint.empty()) error.hint = "look at that disk, or name another directory";
    return failed(exit, std::move(error));
  }

  std::unexpected<Failure> nowhere() const {
    auto what = std::format("{} was not fetched: ", request_.set);
    if (damaged_)
      return failed(Exit::damaged, {Code::corrupt, what + "no copy that was reached is sound",
                                    "see the log above"});
    if (unreachable_)
      return failed(Exit::destination_failed,
                    {Code::unavailable, what + "a place that may have it cannot be reached",
                     "see the log above"});
    return failed(Exit::usage,
                  {Code::not_found, what + "no place has it", "see: etcd-snapshot list"});
  }

  dest::LocalPlace target_;
  const FetchRequest& request_;
  report::Log& log_;
  bool unreachable_ = false, damaged_ = false;
};

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
  return Fetching(std::move(*target), request, log).from(sources);
}

}  // namespace snap::jobs
