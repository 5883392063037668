// The contract, on two S3 servers that keep to the book and on one that ignores conditions and
// checksums.
#include <map>

#include "contract.h"
#include "s3_place.h"

namespace snap::dest {
namespace {

ContractCase contract_case(const std::string& kind) {
  return {kind, [kind](const test::TempDir& dir) {
            static std::map<std::string, test::S3Server> servers;
            auto& server = servers.try_emplace(kind, test::S3Options{.kind = kind}).first->second;
            auto config = s3_config(server);
            config.prefix = dir.path().substr(dir.path().rfind('/') + 1) + "/sets/";
            auto place = open_s3(config);
            if (!place) throw std::runtime_error(describe(place.error()));
            return std::move(*place);
          }};
}

INSTANTIATE_TEST_SUITE_P(S3, Contract,
                         testing::Values(contract_case("versitygw"), contract_case("minio"),
                                         contract_case("rclone")),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::dest
