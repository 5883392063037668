#include "jobs/ship.h"

#include <algorithm>
#include <format>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "jobs/changes.h"
#include "sets/name.h"
#include "stream/copy.h"
#include "stream/memory.h"
#include "stream/sha256.h"

namespace snap::jobs {
namespace {

constexpr const char* kByPlace = "SHA-256 by the place";
constexpr const char* kReadBack = "read back";
const std::string kManifest(sets::kManifestName);

Result<sets::FileFacts> hash_of(stream::Source& source, const std::string& name,
                                const std::stop_token& stop) {
  auto hashed = TRY(stream::hash_all(source, stop));
  return sets::FileFacts{name, hashed.bytes, to_hex(hashed.digest)};
}

bool same(const sets::FileFacts& a, const sets::FileFacts& b) {
  return a.size_bytes == b.size_bytes && a.sha256 == b.sha256;
}

std::unexpected<Error> differs(Code code, const std::string& where, const sets::FileFacts& found,
                               const sets::FileFacts& expected, std::string hint) {
  return fail(code,
              std::format("{}: {} has {} bytes and SHA-256 {}, the manifest says {} and {}", where,
                          escaped(expected.name), found.size_bytes, found.sha256.substr(0, 16),
                          expected.size_bytes, expected.sha256.substr(0, 16)),
              std::move(hint));
}

// The other files of a set are small or packed.
bool is_snapshot(const sets::FileFacts& file) { return file.name.ends_with(".db"); }

// Adds the time until it ends.
class Timed {
 public:
  explicit Timed(std::chrono::milliseconds& sum) : sum_(sum) {}
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  ~Timed() { sum_ += std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun_); }

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::milliseconds& sum_;
  Clock::time_point begun_ = Clock::now();
};

// One set on its way to a place.
class Shipment {
 public:
  Shipment(dest::GroupReader& from, const std::string& from_name, dest::Destination& to,
           const std::string& set, const ShipOptions& options)
      : from_(from), from_name_(from_name), to_(to), set_(set), options_(options) {}

  Result<Shipped> run() {
    manifest_ = TRY(read_manifest(from_, set_).context(from_name_));
    auto begun = begin();
    if (!begun && begun.error().code == Code::exists) return look_at_what_is_there(begun.error());
    TRY(begun);
    for (const auto& file : manifest_.manifest.files) TRY(bring(file));
    TRY(bring_manifest());
    auto published = incoming_->publish();
    if (!published && published.error().code == Code::exists)
      return look_at_what_is_there(published.error());
    TRY(published);
    return shipped_;
  }

 private:
  Result<void> begin() {
    auto begun = to_.begin(set_);
    if (!begun && begun.error().code == Code::exists && options_.take_over) {
      auto resumed = to_.resume(set_);
      if (resumed) {
        incoming_ = std::move(*resumed);
        for (auto& file : TRY(incoming_->files())) left_.push_back(std::move(file));
        return {};
      }
      // It may have been published, or be gone by now.
      if (resumed.error().code == Code::not_found) begun = to_.begin(set_);
    }
    incoming_ = TRY(std::move(begun));
    return {};
  }

  // A set of this name is published there: ours from an earlier run, or one whose publishing was
  // done although its answer was lost. It counts if every byte is right.
  Result<Shipped> look_at_what_is_there(const Error& exists) {
    auto there = read_manifest(to_, set_);
    if (!there && there.error().code == Code::not_found) return std::unexpected(exists);
    auto stored = TRY(std::move(there));
    if (stored.text != manifest_.text)
      return fail(
          Code::corrupt,
          std::format("{}: another set of the name {} is there", to_.label(), escaped(set_)),
          "compare the two manifests; remove the wrong one by hand");
    bool told = told_ > 0;  // of these bytes, as we sent them
    for (const auto& file : manifest_.manifest.files) {
      shipped_.how = TRY(prove_file(to_, set_, file, options_.stop));
      if (!told) advance(file.size_bytes);
    }
    shipped_.there_before = true;
    return shipped_;
  }

  Result<void> bring(const sets::FileFacts& file) {
    auto left = std::ranges::find(left_, file.name, &dest::FileInfo::name);
    if (left != left_.end() && left->regular && left->size_bytes == file.size_bytes) {
      auto synced = sync(file);
      if (!synced && (synced.error().retryable() || synced.error().code == Code::cancelled))
        return synced;
      if (synced && !TRY(find_fault(file))) {
        advance(file.size_bytes);
        return {};
      }
    }
    if (TRY(bring_changes(file))) return {};
    auto source = TRY(open_source(file));
    uint64_t counted = 0;
    TRY(send(file, *source,
             [&](uint64_t bytes) { advance(bytes - std::exchange(counted, bytes)); }));
    auto fault = TRY(find_fault(file));
    if (!fault) return {};
    TRY(look_at_source(file));
    return std::unexpected(*fault);
  }

  // The place copies the same file of the basis, and what differs is written over that. False: it
  // did not come to the right file, whatever the cause, and all of it has to be sent.
  Result<bool> bring_changes(const sets::FileFacts& file) {
    uint64_t counted = 0;
    auto brought =
        derive(file, [&](uint64_t bytes) { advance(bytes - std::exchange(counted, bytes)); });
    if (brought.value_or(false) && !TRY(find_fault(file))) return true;
    if (!brought && (brought.error().retryable() || brought.error().code == Code::cancelled))
      return std::unexpected(brought.error());
    advance(0 - counted);
    return false;
  }

  Result<bool> derive(const sets::FileFacts& file, const std::function<void(uint64_t)>& progress) {
    constexpr uint64_t kWorthIt = 1 << 20;  // a few requests more, and a second reading here
    if (options_.basis.empty() || !is_snapshot(file) || file.size_bytes < kWorthIt) return false;
    Timed timed(shipped_.sending);
    auto basis = TRY(read_manifest(from_, options_.basis)).manifest.files;
    auto before = std::ranges::find_if(basis, is_snapshot);
    if (before == basis.end()) return false;
    auto patch = TRY(incoming_->derive(file.name, options_.basis, before->name));
    if (!patch) return false;
    auto old_source = TRY(from_.open(options_.basis, before->name));
    auto source = TRY(open_source(file));
    auto changes = TRY(write_changes(*old_source, *source, *patch, progress, options_.stop));
    TRY(patch->finish());
    shipped_.sent_bytes += changes.changed_bytes;
    return true;
  }

  Result<void> sync(const sets::FileFacts& file) {
    Timed timed(shipped_.sending);
    return incoming_->sync(file.name);
  }

  Result<std::unique_ptr<stream::Source>> open_source(const sets::FileFacts& file) {
    auto opened = from_.open(set_, file.name);
    if (!opened && opened.error().code == Code::not_found)
      return fail(Code::corrupt,
                  std::format("{}: {} of {} is missing", from_name_, escaped(file.name), set_),
                  "this copy is damaged");
    return opened;
  }

  void advance(uint64_t bytes) {
    told_ += bytes;
    if (bytes > 0 && options_.progress) options_.progress(bytes);
  }

  Result<void> send(const sets::FileFacts& file, stream::Source& source,
                    std::function<void(uint64_t)> progress) {
    Timed timed(shipped_.sending);
    auto sink = TRY(incoming_->create(file.name));
    auto bytes = TRY(stream::copy(
        source, *sink, {.tap = {}, .progress = std::move(progress), .stop = options_.stop}));
    if (bytes != file.size_bytes) {
      TRY(look_at_source(file));
      return fail(Code::unavailable,
                  std::format("{}: reading {} gave {} bytes, then {}", from_name_,
                              escaped(file.name), bytes, file.size_bytes));
    }
    TRY(sink->finish());
    shipped_.sent_bytes += bytes;
    return {};
  }

  // What arrived is wrong: is it what the source holds?
  Result<void> look_at_source(const sets::FileFacts& file) {
    auto source = TRY(open_source(file));
    auto found = TRY(hash_of(*source, file.name, options_.stop));
    if (same(found, file)) return {};
    return differs(Code::corrupt, from_name_, found, file,
                   std::format("prove the set: etcd-snapshot verify {}", set_));
  }

  // Holds what the place stores of an unpublished file against the manifest. Nothing: it is the
  // same; else what is wrong with it. An Error: it could not be looked at.
  Result<std::optional<Error>> find_fault(const sets::FileFacts& file) {
    auto found = stored_there(file);
    if (found && same(*found, file)) return std::nullopt;
    if (found)
      return differs(Code::unavailable,
                     std::format("{} does not give back what it was sent", to_.label()), *found,
                     file, "look at the network and at the disk of that place")
          .error();
    // A file that is too short, say. It is no damage at the source.
    if (found.error().code == Code::corrupt)
      return Error{Code::unavailable, found.error().message, found.error().hint};
    return std::unexpected(found.error());
  }

  Result<sets::FileFacts> stored_there(const sets::FileFacts& file) {
    Timed timed(shipped_.proving);
    if (auto digest = TRY(incoming_->far_digest(file.name))) {
      shipped_.how = kByPlace;
      return sets::FileFacts{file.name, file.size_bytes, to_hex(*digest)};
    }
    shipped_.how = kReadBack;
    auto source = TRY(incoming_->open(file.name));
    return hash_of(*source, file.name, options_.stop);
  }

  Result<void> bring_manifest() {
    stream::StringSource source(manifest_.text);
    sets::FileFacts file{kManifest, manifest_.text.size(),
                         to_hex(stream::sha256(as_bytes(manifest_.text)))};
    auto how = shipped_.how;
    TRY(send(file, source, {}));
    if (auto fault = TRY(find_fault(file))) return std::unexpected(*fault);
    if (!how.empty()) shipped_.how = how;
    return {};
  }

  dest::GroupReader& from_;
  const std::string& from_name_;
  dest::Destination& to_;
  const std::string& set_;
  const ShipOptions& options_;
  StoredManifest manifest_;
  std::unique_ptr<dest::Incoming> incoming_;
  std::vector<dest::FileInfo> left_;  // by an earlier try
  uint64_t told_ = 0;                 // of the progress
  Shipped shipped_;
};

}  // namespace

Result<StoredManifest> read_manifest(dest::GroupReader& place, const std::string& set) {
  auto source = TRY(place.open(set, kManifest));
  StoredManifest stored;
  stored.text = TRY(stream::read_all(*source, sets::kMaxManifestBytes).context(escaped(set)));
  stored.manifest = TRY(sets::parse_manifest(stored.text).context(escaped(set)));
  TRY(sets::check_manifest(stored.manifest, set).context(escaped(set)));
  return stored;
}

Result<std::string> prove_file(dest::Destination& place, const std::string& set,
                               const sets::FileFacts& file, const std::stop_token& stop) {
  auto where = std::format("{}: {}", place.label(), escaped(set));
  if (auto digest = TRY(place.far_digest(set, file.name))) {
    if (to_hex(*digest) == file.sha256) return std::string(kByPlace);
    return differs(Code::corrupt, where, {file.name, file.size_bytes, to_hex(*digest)}, file,
                   "this copy is damaged");
  }
  auto source = place.open(set, file.name);
  if (!source && source.error().code == Code::not_found)
    return fail(Code::corrupt, std::format("{}: {} is missing", where, escaped(file.name)),
                "this copy is damaged");
  auto opened = TRY(std::move(source));
  auto found = TRY(hash_of(*opened, file.name, stop));
  if (same(found, file)) return std::string(kReadBack);
  return differs(Code::corrupt, where, found, file, "this copy is damaged");
}

Result<Shipped> ship_set(dest::GroupReader& from, const std::string& from_name,
                         dest::Destination& to, const std::string& set,
                         const ShipOptions& options) {
  return Shipment(from, from_name, to, set, options).run();
}

}  // namespace snap::jobs
