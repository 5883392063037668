// A snapshot file as it is: damage ends in findings, and a file with a finding is never called
// sound by anybody.
#include "snapshot/verify.h"

#include "fuzz/databases.h"
#include "fuzz/memory_file.h"
#include "fuzz/target.h"

namespace snap::fuzz {
namespace {

std::vector<std::string> seeds() {
  std::vector<std::string> all = {""};
  for (const auto& image : databases()) {
    all.push_back(image.snapshot());
    all.push_back(image.database());
  }
  return all;
}

void run(std::string_view input) {
  static MemoryFile memory;
  const auto& file = memory.holding(input);
  auto digest = snapshot::verify(file, "input", {.level = snapshot::Level::digest, .threads = 1});
  auto structure = snapshot::verify(file, "input", {.threads = 1});
  require(digest.has_value());
  require(structure.has_value());
  require(digest->sha256 == structure->sha256);
  if (structure->sound()) {  // the deeper look finds all that the shallow one does
    require(digest->sound());
    require(structure->status.has_value());
  }
  for (const auto& finding : structure->findings) {
    for (unsigned char c : describe(finding)) require(c >= 0x20 && c != 0x7F);
  }
}

}  // namespace

Target snapshot() { return {"snapshot", seeds, run}; }

}  // namespace snap::fuzz
