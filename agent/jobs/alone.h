// Who works at which place.
//
// The local directory under another name, or one place under two: copies there would be no further
// copies, and pruning would work twice. So everybody leaves a mark where it works and looks for the
// marks of the others.
#pragma once

#include <cstddef>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dest/destination.h"
#include "jobs/places.h"

namespace snap::jobs {

// What those who work at `places`, each on a thread of its own, share to find that out. Marks the
// local directory for as long as it lives.
class Together {
 public:
  // `places` outlives it.
  Together(const std::string& local_directory, const std::string& node,
           const std::vector<Place>& places);
  ~Together();
  Together(const Together&) = delete;

  // Leaves the mark of `index` at its place and looks for those of the others. May be done once
  // more on a new connection.
  //
  // Errors: invalid  it is the local directory, or another of the places; others: as the place gave
  // them, and the mark may be there or not
  Result<void> be_alone(dest::Destination& there, size_t index);

  // `index` has looked for marks, or never will. Any number of times.
  void has_looked(size_t index);
  // A mark stays until everybody has looked for it, however fast the work there was.
  void wait_for_all() const { looked_.wait(); }
  Result<void> remove_mark(dest::Destination& there, size_t index) const;

 private:
  std::string mark(size_t index) const;
  std::optional<size_t> claim(size_t index, const std::vector<size_t>& met);

  const std::vector<Place>& places_;
  const std::string node_;
  const std::string marks_;  // what every mark of this delivery begins with
  std::unique_ptr<dest::Destination> local_;
  std::latch looked_;
  std::mutex mutex_;
  std::vector<bool> has_looked_;
  std::vector<std::vector<bool>> same_;
  std::vector<bool> working_;
};

}  // namespace snap::jobs
