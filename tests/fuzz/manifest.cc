// manifest.json: what is accepted can be written and read again, and names only safe files.
#include "sets/manifest.h"

#include "fuzz/target.h"
#include "sets/info.h"
#include "support/sample_manifest.h"

namespace snap::fuzz {
namespace {

std::vector<std::string> seeds() {
  auto sample = test::sample_manifest();
  auto plain = sample;
  plain.files.resize(2);
  plain.warnings.clear();
  plain.resources = {};
  plain.proof.members = {sets::Outcome::failed, "differs"};
  return {sets::to_json(sample), sets::to_json(plain), "{\"schema\":2}", "{}"};
}

void run(std::string_view input) {
  auto manifest = sets::parse_manifest(input);
  auto info = sets::classify(test::sample_manifest().set, input);
  if (!manifest) {
    require(manifest.error().code == Code::corrupt || manifest.error().code == Code::invalid);
    for (unsigned char c : manifest.error().message) require(c >= 0x20 && c != 0x7F);
    require(info.state == sets::State::damaged || info.state == sets::State::newer);
    return;
  }
  for (const auto& file : manifest->files) require(sets::check_file_name(file.name).has_value());
  require(sets::total_bytes(*manifest) < uint64_t{1} << 63);
  require(sets::proven(*manifest) == sets::why_unproven(*manifest).empty());
  auto again = sets::parse_manifest(sets::to_json(*manifest));
  require(again.has_value());
  require(*again == *manifest);
  if (info.state == sets::State::good) require(info.proven == sets::proven(*manifest));
}

}  // namespace

Target manifest() { return {"manifest", seeds, run}; }

}  // namespace snap::fuzz
