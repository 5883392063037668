// NFSv3 and NFSv4 against a real server.
#include "dest/nfs.h"

#include <atomic>
#include <filesystem>
#include <format>
#include <set>
#include <thread>

#include "contract.h"
#include "net/backoff.h"
#include "support/nfs_server.h"
#include "support/nfs_wire.h"

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

// F-N10: every entry that is there from beginning to end is listed, once, however many come
// meanwhile.
TEST(NfsListing, OfTenThousandEntriesIsCompleteWhileMoreAreAdded) {
  namespace fs = std::filesystem;
  constexpr size_t kEntries = 10'000;
  test::NfsServer server;
  auto top = server.directory() + "/many";
  fs::create_directory(top);
  for (size_t i = 0; i < kEntries; ++i) fs::create_directory(std::format("{}/set-{}", top, i));
  for (int version : {3, 4}) {
    auto place = open_nfs(config_of(server, version, "many")).value();
    std::atomic<bool> listed = false;
    std::jthread adding([&] {
      for (int i = 0; i < 5000 && !listed; ++i)
        fs::create_directory(std::format("{}/late-{}-{}", top, version, i));
    });
    auto entries = place->list();
    listed = true;
    ASSERT_TRUE(entries) << entries.error().message;
    std::set<std::string> names;
    for (const auto& entry : *entries)
      EXPECT_TRUE(names.insert(entry.name).second) << entry.name << " is listed twice";
    EXPECT_EQ(
        std::ranges::count_if(names, [](const auto& name) { return name.starts_with("set-"); }),
        static_cast<long>(kEntries))
        << "version " << version;
  }
}

// F-N02: 80 MB give the server 1.6 s more than the limit to commit them.
TEST(NfsCommit, OfALargeFileGetsMoreTime) {
  using namespace std::chrono_literals;
  test::NfsServer server;
  std::stop_source ending;
  test::NfsWire wire(server.port());
  auto config = config_of(server, 3, "");
  config.port = static_cast<uint16_t>(wire.port());
  config.patience.stall = 1s;
  wire.judge([&](test::NfsWire::Message& m) {
    if (m.reply && m.what == "COMMIT") (void)net::pause(1800ms, ending.get_token());
    return test::NfsWire::Fate::pass;
  });
  std::string megabytes(8'000'000, 'x');
  for (int count : {10, 1}) {
    auto place = open_nfs(config).value();
    auto incoming = place->begin(std::format("g-{}", count)).value();
    auto sink = incoming->create("data").value();
    for (int i = 0; i < count; ++i) ASSERT_TRUE(sink->write(as_bytes(megabytes)));
    auto finished = sink->finish();
    if (count == 10) {
      EXPECT_TRUE(finished) << describe(finished.error());
    } else {
      ASSERT_FALSE(finished);
      EXPECT_EQ(finished.error().code, Code::timeout);
    }
  }
  ending.request_stop();
}

class NfsDirectory : public testing::TestWithParam<int> {};
TEST_P(NfsDirectory, IsMadeOnlyForWhoBringsSomething) {
  auto name = std::format("looked-at-{}", GetParam());
  auto config = config_of(shared_server(), GetParam(), name);
  config.create = false;
  auto looked = open_nfs(config);
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().code, Code::not_found);
  EXPECT_EQ(looked.error().hint, kWouldBeMade);
  EXPECT_FALSE(std::filesystem::exists(shared_server().directory() + "/" + name));
  config.create = true;
  EXPECT_TRUE(open_nfs(config));
  config.create = false;
  EXPECT_TRUE(open_nfs(config));
}
INSTANTIATE_TEST_SUITE_P(Versions, NfsDirectory, testing::Values(3, 4));

}  // namespace
}  // namespace snap::dest
