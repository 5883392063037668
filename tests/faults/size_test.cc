// Databases of every size, from real servers; the stock tool is the judge.
#include "cli/scenes.h"
#include "support/outcome.h"

namespace snap::faults {
namespace {

using test::Agent;
using test::AgentSetup;
using test::Before;
using test::EtcdCluster;

// Peak memory of `run`, whatever the size of the database. KiB.
constexpr long kMostMemory = 48L << 10;

// Takes a set and compares what it says of itself with etcdutl's word.
void expect_good_set(const EtcdCluster& cluster) {
  Agent agent(AgentSetup::of(cluster));
  Before before(agent);
  auto run = agent.run({"run"});
  expect_outcome(agent, before, run, test::succeeds().within(std::chrono::seconds(60)));
  EXPECT_LT(run.peak_rss_kib, kMostMemory);
  auto stock = test::run({.argv = {cluster.binary("etcdutl"), "snapshot", "status",
                                   agent.snapshot_of(agent.sets().at(0)), "-w", "json"}});
  auto told = test::parsed(stock.out);
  auto snapshot = agent.manifest_of(agent.sets()[0])["snapshot"];
  EXPECT_EQ(snapshot["hash"], told["hash"]);
  EXPECT_EQ(snapshot["liveKeys"], told["totalKey"]) << snapshot;
  EXPECT_EQ(snapshot["size"], std::filesystem::file_size(agent.snapshot_of(agent.sets()[0])));
}

// F-E24
TEST(Database, MayBeEmptyOrHoldOneKey) {
  auto cluster = EtcdCluster::start({});
  expect_good_set(cluster);
  cluster.ctl({"put", "a", "b"});
  expect_good_set(cluster);
}

// The gateway takes more at once than etcdctl does, and reads it faster.
void post(const EtcdCluster& cluster, const std::string& path, const std::string& body) {
  auto sent = test::run(
      {.argv = {"curl", "-sSf", "-X", "POST", cluster.endpoints()[0] + path, "--data-binary", "@-"},
       .input = body});
  ASSERT_TRUE(sent.ok()) << sent.text();
}

// F-E24
TEST(Database, MayHoldOneLargeValue) {
  auto cluster = EtcdCluster::start({.extra_flags = {"--max-request-bytes", "33554432"}});
  constexpr size_t kBase64 = (10UL << 20) / 3 * 4;
  post(cluster, "/v3/kv/put",
       R"({"key": "YQ==", "value": ")" + std::string(kBase64, 'A') + R"("})");
  expect_good_set(cluster);
}

// F-E24: a million keys. Eight digits happen to be base64, of six bytes.
TEST(Database, MayHoldAMillionKeys) {
  constexpr int kKeys = 1'000'000, kAtOnce = 20'000;
  auto cluster =
      EtcdCluster::start({.extra_flags = {"--max-txn-ops", "1000000", "--max-request-bytes",
                                          "33554432", "--unsafe-no-fsync"}});
  for (int i = 0; i < kKeys; i += kAtOnce) {
    std::string puts;
    for (int k = 0; k < kAtOnce; ++k) {
      puts += std::format(R"({}{{"requestPut": {{"key": "{:08}", "value": "dg=="}}}})",
                          k ? "," : "", i + k);
    }
    post(cluster, "/v3/kv/txn", R"({"success": [)" + puts + "]}");
  }
  expect_good_set(cluster);
}

}  // namespace
}  // namespace snap::faults
