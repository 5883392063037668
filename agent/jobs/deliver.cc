#include "jobs/deliver.h"

#include <algorithm>
#include <format>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/exception.h"
#include "base/text.h"
#include "dest/local.h"
#include "jobs/alone.h"
#include "jobs/basis.h"
#include "jobs/lock.h"
#include "jobs/missing_sets.h"
#include "jobs/prune.h"
#include "jobs/ship.h"
#include "net/backoff.h"

namespace snap::jobs {
namespace {

constexpr int kTries = 3;
// A command that was told to stop ends within 5 s.
constexpr std::chrono::milliseconds kLeaving{4'000};

// What whoever is called next will not change either: the connection is gone, or was shut.
bool broke(const Error& error) { return error.retryable() || error.code == Code::cancelled; }

// Asks for a stop after `limit`, and for nothing when it ends before.
class StopAfter {
 public:
  explicit StopAfter(std::chrono::milliseconds limit)
      : watch_([this, limit](const std::stop_token& ended) {
          if (net::pause(limit, ended)) source_.request_stop();
        }) {}
  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread watch_;
};

// One bar for all places together. report::Progress is for one thread.
class SharedProgress {
 public:
  explicit SharedProgress(report::Progress& progress) : progress_(progress) {}

  void expect(uint64_t bytes) {
    std::lock_guard lock(mutex_);
    total_ += bytes;
    progress_.begin("shipping", total_);
    progress_.update(done_);
  }
  void add(uint64_t bytes) {
    std::lock_guard lock(mutex_);
    done_ += bytes;
    progress_.update(done_);
  }

 private:
  std::mutex mutex_;
  report::Progress& progress_;
  uint64_t total_ = 0, done_ = 0;
};

// The work at one place, on a thread of its own.
class Courier {
 public:
  Courier(const std::vector<Place>& places, size_t index, const Inventory& local,
          const DeliveryRequest& request, const Surroundings& around, SharedProgress& progress,
          Together& together)
      : index_(index),
        place_(places[index]),
        local_(local),
        request_(request),
        around_(around),
        progress_(progress),
        together_(together) {
    done_.facts = {.name = place_.name, .type = place_.type, .label = place_.label};
  }
  ~Courier() { together_.has_looked(index_); }
  Courier(const Courier&) = delete;

  Delivery run() {
    auto ended = work();
    if (!ended) failed(ended.error());
    together_.has_looked(index_);
    if (marked_) leave(around_.stop.stop_requested() || (!ended && broke(ended.error())));
    to_.reset();
    return std::move(done_);
  }

 private:
  Result<void> work() {
    from_ = TRY(dest::open_local(request_.local_directory, false)).place;
    TRY(persistently([this] { return settle_in(); }));
    if (!request_.set.empty()) {
      TRY(ship(request_.set));
      done_.facts.has_set = true;
      done_.facts.proven = request_.proven;
    }
    // Old sets that do not arrive keep nothing from being pruned: this run's own did, and a place
    // that is nearly full needs the room.
    auto caught_up = catch_up();
    if (!to_) return caught_up;
    auto listed = read_inventory(*to_, there_).context(std::format("list {}", place_.label));
    if (!listed) return std::unexpected(caught_up ? listed.error() : caught_up.error());
    there_ = std::move(*listed);
    tell_of_damaged_copies();
    if (request_.prune && place_.prune) prune();
    count();
    return caught_up;
  }

  // Takes the mark away, and what a copy that was cut left there. Where the way to do so is lost it
  // is opened once more, not for long: what it does not reach, the next run takes away.
  void leave(bool lost) {
    together_.wait_for_all();
    if (to_ && !lost) {
      if (!cut_.empty()) (void)to_->discard(cut_);
      (void)together_.remove_mark(*to_, index_);
      return;
    }
    to_.reset();
    StopAfter soon(kLeaving);
    auto again = place_.open(soon.token());
    if (!again) return;
    if (!cut_.empty()) (void)(*again)->discard(cut_);
    (void)together_.remove_mark(**again, index_);
  }

  // Nobody else writes a set of this name there: it is this run's, or named after this node.
  bool is_ours(const std::string& set) const {
    auto name = sets::SetName::parse(set);
    return set == request_.set ||
           (name && name->node == request_.node && name->cluster == request_.cluster);
  }

  // A place that is busy for a moment, or a connection that breaks, gets another chance.
  Result<void> persistently(const std::function<Result<void>()>& step) {
    net::Backoff backoff(std::chrono::seconds(1), std::chrono::seconds(8));
    const int tries =
        place_.type == "s3" ? 1 : kTries;  // whose requests are repeated by themselves
    for (int attempt = 1;; ++attempt) {
      auto done = step();
      // Who waited a whole limit for an answer will not get one in a second.
      if (done || done.error().code != Code::unavailable || attempt == tries) return done;
      TRY(net::pause(backoff.next(), around_.stop));
    }
  }

  Result<void> reach() {
    to_.reset();
    to_ = TRY((place_.create ? place_.create : place_.open)(around_.stop));
    done_.facts.label = to_->label();
    return {};
  }

  // All of it may be done once more on a new connection.
  Result<void> settle_in() {
    TRY(reach());
    marked_ = place_.type != "s3";  // which cleans up over a line of its own
    TRY(together_.be_alone(*to_, index_));
    together_.has_looked(index_);
    clean();
    there_ = TRY(read_inventory(*to_).context(std::format("list {}", place_.label)));
    return {};
  }

  void clean() {
    auto cleaned = clean_up(*to_, {request_.cluster, request_.node, request_.started});
    for (const auto& text : cleaned.removed)
      around_.log.warn(std::format("{}: {}", place_.name, text));
    for (const auto& problem : cleaned.problems) warn(problem);
    std::ranges::move(cleaned.removed, std::back_inserter(done_.facts.leftovers_removed));
  }

  Result<void> ship(const std::string& set) {
    const auto* info = local_.find(set);
    uint64_t bytes = info ? info->total_bytes : 0;
    TRY(check_room(set, bytes));
    // Nobody removes it while it is read; that it is gone already will be told below.
    auto held = hold_set(std::format("{}/{}", request_.local_directory, set));
    if (!held && held.error().code == Code::unavailable) return std::unexpected(held.error());
    progress_.expect(bytes);
    uint64_t counted = 0;
    net::Backoff backoff(std::chrono::seconds(1), std::chrono::seconds(8));
    for (int attempt = 1;; ++attempt) {
      ShipOptions options{.take_over = attempt > 1,
                          // A copy that is made there may be what ended the connection.
                          .basis = attempt == 1 ? basis_of(set, local_, there_) : "",
                          .progress =
                              [&](uint64_t more) {
                                progress_.add(more);
                                counted += more;
                              },
                          .stop = around_.stop};
      auto shipped = to_ ? ship_set(*from_, request_.local_directory, *to_, set, options)
                         : Result<Shipped>(fail(Code::unavailable, "the connection is lost"));
      if (shipped) {
        cut_.clear();
        arrived(set, *shipped);
        return {};
      }
      if (broke(shipped.error()) && is_ours(set)) cut_ = set;
      if (!shipped.error().retryable() || attempt == kTries)
        return std::unexpected(shipped.error());
      around_.log.warn(std::format("{}: {}; trying again", place_.name, shipped.error().message));
      progress_.add(0 - counted);  // unsigned arithmetic takes back what will be counted again
      counted = 0;
      to_.reset();
      // A limit that ran out was pause enough: a firewall may have forgotten the connection.
      if (shipped.error().code != Code::timeout) TRY(net::pause(backoff.next(), around_.stop));
      TRY(persistently([this] { return reach(); }));
    }
  }

  Result<void> check_room(const std::string& set, uint64_t bytes) {
    auto space = to_->space();
    if (!space || !space->free_bytes || *space->free_bytes >= bytes) return {};
    return fail(Code::no_space,
                std::format("no space at {}: {} needs {}, {} are free", place_.label, set,
                            human_size(bytes), human_size(*space->free_bytes)),
                "free space there, or let retention keep less");
  }

  void arrived(const std::string& set, const Shipped& shipped) {
    done_.facts.proven_by = shipped.how;
    if (set != request_.set) done_.facts.caught_up.push_back(set);
    // The next one may begin as a copy of it.
    if (const auto* own = local_.find(set); own && !there_.find(set)) there_.sets.push_back(*own);
    done_.facts.sent_bytes += shipped.sent_bytes;
    done_.facts.sending += shipped.sending;
    done_.facts.proving += shipped.proving;
    if (shipped.there_before) {
      around_.log.info(
          std::format("{}: {} is there already, proven: {}", place_.name, set, shipped.how));
      return;
    }
    around_.log.info(std::format(
        "{}: shipped {}: {} in {:.1f} s, proven in {:.1f} s: {}", place_.name, set,
        human_size(shipped.sent_bytes), std::chrono::duration<double>(shipped.sending).count(),
        std::chrono::duration<double>(shipped.proving).count(), shipped.how));
  }

  Result<void> catch_up() {
    auto removed = TRY(to_->notes(std::string(sets::kRemoved)));
    auto missing = missing_sets(local_, there_, removed, request_);
    for (const auto& set : missing) {
      if (set == request_.set) continue;
      if (done_.facts.caught_up.size() == request_.most_old) {
        around_.log.info(
            std::format("{}: {} more sets are missing there; etcd-snapshot sync ships all",
                        place_.name, missing.size() - done_.facts.caught_up.size()));
        break;
      }
      auto shipped = ship(set);
      if (shipped) continue;
      // A set that is damaged here is no fault of the place.
      if (shipped.error().code != Code::corrupt) return shipped;
      not_shipped(set, shipped.error());
    }
    return {};
  }

  // A run brought its own set all the same; a sync has not done what it is for.
  void not_shipped(const std::string& set, Error error) {
    auto what = std::format("{} was not shipped: {}", set, error.message);
    if (!request_.set.empty()) return warn(what);
    error.message = std::format("{}: {}", place_.name, what);
    around_.log.error(error);
    done_.facts.problem = what;
    done_.failures.push_back({Exit::damaged, "ship", std::move(error)});
  }

  // A copy that cannot be used counts as no copy, and is never shipped over: somebody has to look.
  // A run brought its own set all the same; a sync has not brought what is missing.
  void tell_of_damaged_copies() {
    for (const auto& set : there_.sets) {
      const auto* own = local_.find(set.name);
      if (set.state == sets::State::good || !own || own->state != sets::State::good || !own->proven)
        continue;
      damaged_.push_back(set.name);
      auto what = std::format("the copy of {} there is {}: {}", set.name, sets::name_of(set.state),
                              set.problem);
      if (request_.set.empty()) {
        failed({Code::corrupt, what, "remove it there by hand, and sync ships it again"});
      } else {
        warn(what + "; remove it there by hand, and the next run ships it again");
      }
    }
  }

  void prune() {
    retain::Occasion occasion{.mode = retain::Mode::run,
                              .now = std::max(around_.clock(), request_.started),
                              .stream = request_.stream,
                              .just_made = request_.set};
    auto applied = apply_retention(*to_, there_, request_.policy, occasion, damaged_);
    for (const auto& removal : applied.removed)
      around_.log.info(std::format("{}: removed {}: {}", place_.name, removal.set, removal.reason));
    for (const auto& warning : applied.warnings) warn(warning);
    for (auto& failure : applied.failures) {
      failure.error.message.insert(0, place_.name + ": ");
      around_.log.error(failure.error);
      done_.failures.push_back(std::move(failure));
    }
    done_.facts.pruned = std::move(applied.removed);
  }

  void count() {
    take_stock(done_.facts, *to_, there_, request_.cluster, request_.started);
    for (const auto& remark : to_->remarks()) warn(remark);
  }

  void warn(const std::string& text) {
    auto whole = std::format("{}: {}", place_.name, text);
    around_.log.warn(whole);
    done_.warnings.push_back(std::move(whole));
  }

  void failed(Error error) {
    done_.facts.failed = true;
    done_.facts.problem = error.message;
    if (error.hint.empty())
      error.hint = "etcd-snapshot check tries the way there; the next run ships what is missing";
    // Who asked for the stop tells of it once, for all places.
    if (error.code == Code::cancelled) return;
    error.message.insert(0, std::format("destination {}: ", place_.name));
    around_.log.error(error);
    done_.failures.push_back({Exit::destination_failed, "ship", error});
  }

  size_t index_;
  const Place& place_;
  const Inventory& local_;
  const DeliveryRequest& request_;
  const Surroundings& around_;
  SharedProgress& progress_;
  Together& together_;
  bool marked_ = false;  // or tried to
  std::string cut_;      // the set whose copy there was cut
  std::unique_ptr<dest::Destination> from_, to_;
  Inventory there_;
  std::vector<std::string> damaged_;  // copies that were told of
  Delivery done_;
};

}  // namespace

std::vector<Delivery> deliver(const std::vector<Place>& places, const Inventory& local,
                              const DeliveryRequest& request, const Surroundings& around) {
  SharedProgress progress(around.progress);
  std::vector<Delivery> deliveries(places.size());
  Together together(request.local_directory, request.node, places);
  side_by_side(
      places.size(),
      [&](size_t i) {
        deliveries[i] = Courier(places, i, local, request, around, progress, together).run();
      },
      [&](size_t i, const std::exception& error) {
        together.has_looked(i);  // also of a courier that never began: the others wait for it
        auto what = error_of(error);
        deliveries[i].facts = {.name = places[i].name,
                               .type = places[i].type,
                               .label = places[i].label,
                               .failed = true,
                               .problem = what.message};
        what.message.insert(0, std::format("{}: ", places[i].name));
        around.log.error(what);
        deliveries[i].failures.push_back({Exit::unexpected, "ship", std::move(what)});
      });
  around.progress.end();
  return deliveries;
}

}  // namespace snap::jobs
