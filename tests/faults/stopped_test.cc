// Copies that are cut for good: by a signal, or by a connection that breaks again and again. What
// they left at the places is taken away while the run still lives.
#include <csignal>
#include <filesystem>

#include "faults/placed.h"

namespace snap::faults {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

std::string address(int port) { return std::format("127.0.0.1:{}", port); }

// Everything below, directories too.
std::vector<std::string> names_below(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    names.push_back(entry.path());
  std::ranges::sort(names);
  return names;
}

// An export over both versions, a mirror and a bucket, each behind a proxy, with one set each.
class Cut : public testing::Test {
 protected:
  Cut() {
    scene.stall = "20s";
    scene.nfs("nas3", nas3, 3, to_nas3.port());
    scene.nfs("nas4", nas4, 4, to_nas4.port());
    scene.ssh("mirror", mirror, to_mirror.port());
    scene.s3("offsite", bucket, "http://" + address(to_bucket.port()));
    EXPECT_EQ(scene.run().exit_code, 0);
    look();
  }
  void look() {
    there.clear();
    for (const auto& store : scene.stores) there.push_back(names_below(store.directory));
  }
  std::vector<test::Proxy*> proxies() { return {&to_nas3, &to_nas4, &to_mirror, &to_bucket}; }
  void play(const test::ProxyScript& script) {
    for (auto* proxy : proxies()) proxy->play(script);
  }
  void expect_nothing_new() const {
    for (size_t i = 0; i < there.size(); ++i)
      EXPECT_EQ(names_below(scene.stores[i].directory), there[i]) << scene.stores[i].name;
  }

  test::NfsServer nas3, nas4;
  test::SshServer mirror{kNoCopies};
  test::S3Server bucket;
  test::Proxy to_nas3 = test::Proxy(address(nas3.port()));
  test::Proxy to_nas4 = test::Proxy(address(nas4.port()));
  test::Proxy to_mirror = test::Proxy(address(mirror.port()));
  test::Proxy to_bucket = test::Proxy(address(bucket.port()));
  Placed scene = Placed(big_script());
  std::vector<std::vector<std::string>> there;
};

// F-L23
TEST_F(Cut, ByASignalLeaveNothingAtAnyPlace) {
  for (int number : {SIGTERM, SIGINT}) {
    play({.to_server = {.stall_at = kMiddle}});
    std::vector<int> stalled;
    for (auto* proxy : proxies()) stalled.push_back(proxy->stalled());
    auto process = scene.in_background();
    auto all_at_it = [&] {
      for (size_t i = 0; i < stalled.size(); ++i)
        if (proxies()[i]->stalled() == stalled[i]) return false;
      return true;
    };
    ASSERT_TRUE(test::wait_until(all_at_it, 30s));
    play({});
    process.signal(number);
    auto run = scene.finished(process, 5s);
    EXPECT_EQ(run.exit_code, 1) << run.text();
    auto outcome = test::outcome_of(run);
    EXPECT_EQ(outcome["error"]["stage"], "ship") << run.text();
    EXPECT_EQ(outcome["error"]["message"], "interrupted in stage ship");
    EXPECT_EQ(outcome["stages"].back()["name"], "ship");
    expect_nothing_new();
    scene.agent.expect_nothing_left();
    // The set is published here; the next run brings it to all of them.
    auto next = scene.run();
    EXPECT_EQ(next.exit_code, 0) << next.text();
    EXPECT_THAT(next.err, testing::Not(HasSubstr("left by a run that did not end")));
    look();
  }
}

// A bucket tries longer, and cleans up as after a signal.
TEST_F(Cut, AgainAndAgainLeaveNothingWhereThePlaceStillAnswers) {
  scene.forget();
  scene.nfs("nas4", nas4, 4, to_nas4.port());
  scene.ssh("mirror", mirror, to_mirror.port());
  look();
  play({.to_server = {.reset_at = kMiddle}});
  auto run = scene.run();
  EXPECT_EQ(run.exit_code, 5) << run.text();
  expect_nothing_new();
  play({});
  EXPECT_EQ(scene.run().exit_code, 0);
}

}  // namespace
}  // namespace snap::faults
