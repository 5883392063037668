#include "jobs/alone.h"

#include <algorithm>
#include <format>
#include <utility>

#include "base/file.h"
#include "dest/local.h"
#include "sets/name.h"

namespace snap::jobs {
namespace {

const std::string kHere(sets::kHere);
constexpr const char* kLocal = "local";

}  // namespace

Together::Together(const std::string& local_directory, const std::string& node,
                   const std::vector<Place>& places)
    : places_(places),
      node_(node + "_"),
      marks_(std::format("{}{}.", node_, random_token())),
      looked_(static_cast<std::ptrdiff_t>(places.size())),
      has_looked_(places.size()),
      same_(places.size(), std::vector<bool>(places.size())),
      working_(places.size()) {
  auto opened = dest::open_local(local_directory, false);
  if (!opened) return;  // everybody who reads it will say so
  local_ = std::move(opened->place);
  auto left = local_->notes(kHere);
  for (const auto& name : left.value_or(std::vector<std::string>{}))
    (void)local_->remove_note(kHere, name);
  (void)local_->put_note(kHere, marks_ + kLocal, "");
}

Together::~Together() {
  if (local_) (void)local_->remove_note(kHere, marks_ + kLocal);
}

// Places with directories only: two buckets are told apart by the configuration.
Result<void> Together::be_alone(dest::Destination& there, size_t index) {
  if (places_[index].type == "s3") return {};
  TRY(there.put_note(kHere, mark(index), ""));
  auto marks = TRY(there.notes(kHere));
  for (const auto& left : marks) {
    if (left.starts_with(node_) && !left.starts_with(marks_)) (void)there.remove_note(kHere, left);
  }
  if (std::ranges::contains(marks, marks_ + kLocal))
    return fail(Code::invalid, std::format("{} is the local directory itself", there.label()),
                "a copy on the same disk is none: name another host or directory");
  std::vector<size_t> met;
  for (size_t i = 0; i < places_.size(); ++i)
    if (i != index && std::ranges::contains(marks, mark(i))) met.push_back(i);
  if (auto other = claim(index, met))
    return fail(Code::invalid,
                std::format("{} is the same place as {}", there.label(), places_[*other].name),
                "two names of one place hold one copy: remove one of them from the configuration");
  return {};
}

void Together::has_looked(size_t index) {
  std::lock_guard lock(mutex_);
  if (has_looked_[index]) return;
  has_looked_[index] = true;
  looked_.count_down();
}

Result<void> Together::remove_mark(dest::Destination& there, size_t index) const {
  if (places_[index].type == "s3") return {};
  return there.remove_note(kHere, mark(index));
}

std::string Together::mark(size_t index) const { return std::format("{}{}", marks_, index); }

// `index` met the marks of `met`. Nothing: the place is its own; else who works there already.
// Whoever put its mark first may have looked before the other's was there: either sighting counts
// for both.
std::optional<size_t> Together::claim(size_t index, const std::vector<size_t>& met) {
  std::lock_guard lock(mutex_);
  for (auto other : met) same_[index][other] = same_[other][index] = true;
  for (size_t other = 0; other < working_.size(); ++other)
    if (same_[index][other] && working_[other]) return other;
  working_[index] = true;
  return std::nullopt;
}

}  // namespace snap::jobs
