// The database behind checksums that fit: meta pages and trailer are made anew over each input, so
// that what was changed reaches the walk over pages and rows.
#include <algorithm>
#include <bit>

#include "bolt/page.h"
#include "fuzz/databases.h"
#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "snapshot/verify.h"

namespace snap::fuzz {
namespace {

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (const auto& image : databases()) all.push_back(image.database());
  return all;
}

void seal_meta(std::string& database, size_t page) {
  if (page + bolt::kPageHeaderBytes + bolt::kMetaBytes > database.size()) return;
  auto* body = reinterpret_cast<std::byte*>(database.data()) + page + bolt::kPageHeaderBytes;
  store_le(body + bolt::kMetaBytes - 8, bolt::fnv1a64({body, bolt::kMetaBytes - 8}));
}

std::string sealed(std::string_view input) {
  std::string database(input);
  if (database.size() < bolt::kPageHeaderBytes + bolt::kMetaBytes) return database;
  uint32_t page_bytes = load_le<uint32_t>(reinterpret_cast<const std::byte*>(database.data()) +
                                          bolt::kPageHeaderBytes + 8);
  seal_meta(database, 0);
  if (std::has_single_bit(page_bytes)) seal_meta(database, page_bytes);
  return test::BoltImage::with_trailer(database);
}

void run(std::string_view input) {
  static MemoryFile memory;
  const auto& file = memory.holding(sealed(input));
  auto once = snapshot::verify(file, "input", {.threads = 1});
  require(once.has_value());  // memory gives no I/O errors, so damage is a finding
  // Threads change nothing about what is found.
  auto again = snapshot::verify(file, "input", {.threads = 2});
  require(again.has_value());
  require(once->sound() == again->sound());
  require(once->status.has_value() == again->status.has_value());
  if (once->status) require(once->status->hash == again->status->hash);
}

}  // namespace

Target bolt() { return {"bolt", seeds, run}; }

}  // namespace snap::fuzz
