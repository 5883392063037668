// NFSv3 and NFSv4 against a real server.
#include "dest/nfs.h"

#include "contract.h"
#include "support/nfs_server.h"

namespace snap::dest {
namespace {

// One server for all cases: each uses a directory of its own below the export.
test::NfsServer& shared_server() {
  static test::NfsServer server;
  return server;
}

NfsConfig config_of(const test::NfsServer& server, int version, const std::string& directory) {
  return {.server = "127.0.0.1",
          .path = server.export_name(),
          .directory = directory,
          .version = version,
          .port = static_cast<uint16_t>(server.port()),
          .mount_port = static_cast<uint16_t>(server.mount_port()),
          .patience = {
              .connect = std::chrono::seconds(5), .stall = std::chrono::seconds(5), .stop = {}}};
}

ContractCase contract_case(int version) {
  return {std::format("v{}", version), [version](const test::TempDir& dir) {
            auto name = dir.path().substr(dir.path().rfind('/') + 1);
            auto place = open_nfs(config_of(shared_server(), version, "tests/" + name));
            if (!place) throw std::runtime_error(describe(place.error()));
            return std::move(*place);
          }};
}

INSTANTIATE_TEST_SUITE_P(Nfs, Contract, testing::Values(contract_case(3), contract_case(4)),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::dest
