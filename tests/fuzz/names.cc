// Names that a place lists: what is read as a set's name is written the same way, and no name that
// could leave a set is accepted.
#include "sets/name.h"

#include "fuzz/target.h"
#include "sets/info.h"

namespace snap::fuzz {
namespace {

std::vector<std::string> seeds() {
  return {"prod-east_2026-11-21T013000Z_master-0",
          ".incoming-prod-east_2026-11-21T013000Z_master-0",
          "a_0001-01-01T000000Z_b",
          "a.b_9999-12-31T235959Z_c.d",
          "snapshot_2026-11-21_013000.db",
          "static_kuberesources_2026-11-21_013000.tar.gz",
          "../x",
          "Master-0.Example.com",
          "lost+found"};
}

void run(std::string_view input) {
  if (auto name = sets::SetName::parse(input)) {
    require(name->text() == input);
    require(sets::check_cluster_name(name->cluster).has_value());
    require(sets::check_node_name(name->node).has_value());
    require(sets::check_file_name(input).has_value());  // a set's name is safe as a file's
    auto remains = sets::classify(input, std::nullopt);
    require(remains.state == sets::State::remains);
    for (const auto& file : remains.files) require(sets::check_file_name(file).has_value());
  }
  if (sets::check_file_name(input)) {
    require(!input.empty() && input.size() <= 255 && input[0] != '.');
    require(input.find('/') == input.npos && input.find('\0') == input.npos);
  }
  if (auto node = sets::node_part(input)) require(sets::check_node_name(*node).has_value());
  auto info = sets::classify(input, "{}");
  require(info.state != sets::State::good);
  for (unsigned char c : info.problem) require(c >= 0x20 && c != 0x7F);
}

}  // namespace

Target names() { return {"names", seeds, run}; }

}  // namespace snap::fuzz
