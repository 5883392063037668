// Snapshots that break on the way: cut, stalled, slow, changed, contradictory.
#include "cli/scenes.h"
#include "support/outcome.h"
#include "support/proxy.h"

namespace snap::faults {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::AgentSetup;
using test::Before;
using test::EtcdCluster;
using test::FakeGrpc;
using test::Finished;
using test::Process;
using test::Proxy;
using test::ProxyScript;
using test::SnapshotScript;
using test::wait_until;
using testing::HasSubstr;
using Ending = SnapshotScript::Ending;

constexpr auto kKeepOne = "retention: {keepLast: 1, keepWithin: 0s}\n";
constexpr uint64_t kInTheMiddle = 2'000'000;  // of what one connection brings
constexpr int kMoreThanBuffersHold = 24;      // MiB: the sockets between member and proxy

// A real cluster, each member behind a proxy; the agent knows the proxies only.
struct Proxied {
  explicit Proxied(const test::EtcdOptions& options, int mib)
      : cluster(EtcdCluster::start(options)) {
    cluster.ctl({"put", "/registry/pods/a", "b"});
    cluster.fill(mib);
    setup.more = kKeepOne;
    for (const auto& endpoint : cluster.endpoints()) {
      proxies.push_back(std::make_unique<Proxy>(endpoint));
      setup.endpoints.push_back(proxies.back()->url());
    }
    agent.configure(setup);
  }
  Finished run(const std::string& stall = "2s") {
    return agent.run({"run", "--set", "etcd.stallTimeout=" + stall});
  }
  void play(const ProxyScript& script) {
    for (auto& proxy : proxies) proxy->play(script);
  }
  // The member whose stream stands at its stall; waits for one.
  int serving() {
    int found = -1;
    wait_until([&] {
      for (size_t i = 0; i < proxies.size(); ++i)
        if (proxies[i]->stalled() > 0) found = static_cast<int>(i);
      return found >= 0;
    });
    return found;
  }
  Process in_background(const std::string& stall = "20s") {
    auto command = agent.command({"run", "--set", "etcd.stallTimeout=" + stall});
    command.output_file = log();
    return Process(command);
  }
  std::string log() const { return agent.path("run.log"); }
  // What ended in the background, as expect_outcome() wants it.
  Finished finished(Process& process) {
    auto ended = process.wait(60s);
    EXPECT_TRUE(ended);
    auto result = ended.value_or(Finished());
    auto said = test::read_file(log());
    auto line = said.rfind("\n{") == said.npos ? 0 : said.rfind("\n{") + 1;
    result.out = said.substr(line);
    result.err = said.substr(0, line);
    return result;
  }

  EtcdCluster cluster;
  std::vector<std::unique_ptr<Proxy>> proxies;
  AgentSetup setup;
  Agent agent;
};

// F-E05: the data of a member does not change with its office.
TEST(Leader, MovesWhileTheSnapshotFlows) {
  Proxied scene({.members = 3}, 5);
  Before before(scene.agent);
  scene.play({.to_client = {.stall_at = kInTheMiddle}});
  auto run = scene.in_background();
  ASSERT_GE(scene.serving(), 0);
  auto leader = scene.cluster.leader();
  auto id = test::parsed(scene.cluster.ctl_at(
      scene.cluster.endpoints()[static_cast<size_t>((leader + 1) % 3)],
      {"endpoint", "status", "-w", "json"}))[0]["Status"]["header"]["member_id"];
  scene.cluster.ctl({"move-leader", std::format("{:x}", id.get<uint64_t>())});
  for (auto& proxy : scene.proxies) {
    proxy->play(ProxyScript());
    proxy->release();
  }
  auto finished = scene.finished(run);
  expect_outcome(scene.agent, before, finished, test::succeeds().and_others());
  auto etcd = scene.agent.manifest_of(scene.agent.sets().at(0))["etcd"];
  EXPECT_GT(etcd["raftTerm"], 0) << etcd;
  EXPECT_EQ(etcd["raftTermAfter"].get<int>(), etcd["raftTerm"].get<int>() + 1) << etcd;
}

// F-E06: from byte 0 on another member, once.
TEST(ServingMember, DiesAndAnotherTakesOver) {
  Proxied scene({.members = 3}, kMoreThanBuffersHold);
  ASSERT_EQ(scene.run().exit_code, 0);
  Before before(scene.agent);
  scene.play({.to_client = {.stall_at = kInTheMiddle}});
  auto run = scene.in_background();
  auto serving = scene.serving();
  ASSERT_GE(serving, 0);
  scene.play({});
  scene.cluster.kill(serving);
  for (auto& proxy : scene.proxies) proxy->release();
  auto finished = scene.finished(run);
  EXPECT_THAT(finished.err, HasSubstr("; starting again on "));
  expect_outcome(scene.agent, before, finished,
                 test::succeeds().warning(" (at byte ").and_others());
}

// F-E06 without another member.
TEST(ServingMember, DiesAndNoneIsLeft) {
  Proxied scene({}, kMoreThanBuffersHold);
  ASSERT_EQ(scene.run().exit_code, 0);
  Before before(scene.agent);
  scene.play({.to_client = {.stall_at = kInTheMiddle}});
  auto run = scene.in_background();
  ASSERT_EQ(scene.serving(), 0);
  scene.cluster.kill(0);
  scene.proxies[0]->release();
  expect_outcome(scene.agent, before, scene.finished(run),
                 test::fails(3).in("take").saying(scene.proxies[0]->url()).saying("(at byte "),
                 [&] {
                   scene.cluster.restart(0);
                   scene.play({});
                   return scene.run();
                 });
}

// F-E07: the clock of the stall runs from the last progress, and ends within a second of its limit.
TEST(Stall, EndsAtItsLimitAndSaysWhere) {
  Proxied scene({}, 5);
  ASSERT_EQ(scene.run().exit_code, 0);
  Before before(scene.agent);
  scene.play({.to_client = {.stall_at = kInTheMiddle}});
  auto run = scene.run("2s");
  for (const auto& stage : test::outcome_of(run)["stages"]) {
    if (stage["name"] != "take") continue;
    EXPECT_GE(stage["seconds"], 2.0);
    EXPECT_LT(stage["seconds"], 3.5);  // half a second for what came before it
  }
  expect_outcome(scene.agent, before, run,
                 test::fails(3).in("take").saying("no progress for 2 s at ").saying(" MB"), [&] {
                   scene.play({});
                   return scene.run();
                 });
}

// F-E07 and F-E26: a member that stands still, in the middle and from the beginning.
TEST(Stall, OfOneMemberIsAnothersTurn) {
  Proxied scene({.members = 3}, kMoreThanBuffersHold);
  ASSERT_EQ(scene.run().exit_code, 0);
  Before before(scene.agent);
  scene.play({.to_client = {.stall_at = kInTheMiddle}});
  auto run = scene.in_background("2s");
  auto serving = scene.serving();
  ASSERT_GE(serving, 0);
  scene.play({});
  scene.cluster.pause(serving);
  expect_outcome(scene.agent, before, scene.finished(run),
                 test::succeeds().warning("no progress for 2 s at ").and_others());
  // A defragmentation blocks a member for a long time: it answers nothing.
  scene.agent.configure({.endpoints = scene.cluster.endpoints(), .more = kKeepOne});
  Before again(scene.agent);
  auto blocked = scene.run();
  scene.cluster.resume(serving);
  expect_outcome(scene.agent, again, blocked,
                 test::succeeds()
                     .warning(scene.cluster.endpoints()[static_cast<size_t>(serving)] +
                              ": no answer within 10 s")
                     .and_others());
}

// F-E26: the only member is waited for within the limit.
TEST(Stall, ThatEndsInTimeIsNoFailure) {
  Proxied scene({}, kMoreThanBuffersHold);
  Before before(scene.agent);
  scene.play({.to_client = {.stall_at = kInTheMiddle}});
  auto run = scene.in_background("10s");
  ASSERT_EQ(scene.serving(), 0);
  scene.cluster.pause(0);
  scene.proxies[0]->release();
  auto blocked_until = std::chrono::steady_clock::now() + 3s;
  ASSERT_TRUE(wait_until([&] { return std::chrono::steady_clock::now() > blocked_until; }));
  EXPECT_TRUE(run.running());
  scene.cluster.resume(0);
  expect_outcome(scene.agent, before, scene.finished(run), test::succeeds());
}

// F-E07: 64 KiB/s for more than three times the stall limit.
TEST(SlowStream, IsNoStall) {
  Proxied scene({}, 0);
  for (int i = 0; i < 4; ++i)
    scene.cluster.ctl({"put", "/registry/slow/" + std::to_string(i)}, std::string(60'000, 'x'));
  Before before(scene.agent);
  scene.play({.to_client = {.bytes_per_second = 64 << 10}});
  auto run = scene.run("1s");
  EXPECT_GT(run.wall_seconds, 3);
  expect_outcome(scene.agent, before, run, test::succeeds());
}

// F-E08: messages that bring nothing, at the beginning and in the middle.
TEST(EmptyMessages, AreAStallAndCostNoProcessor) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  const SnapshotScript kEndless[] = {
      {.body = "", .repeat = test::snapshot_message(12288, "")},
      {.body = test::snapshot_message(1 << 20, std::string(4096, 'a')),
       .repeat = test::snapshot_message(1 << 20, "")}};
  for (const auto& script : kEndless) {
    Before before(agent);
    fake.play(script);
    auto run = agent.run({"run", "--set", "etcd.stallTimeout=3s"});
    EXPECT_LT(run.cpu_seconds, 1);
    expect_outcome(agent, before, run,
                   test::fails(3).in("take").saying("no progress for 3 s").within(5s), [&] {
                     fake.play(test::good_script());
                     return agent.run({"run"});
                   });
  }
}

struct Place {
  std::string name;
  uint64_t at;
};

uint64_t number_of(const std::string& bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

// The places of F-E09 in what a server sent on the connection of a snapshot: HTTP/2 frames (RFC
// 9113, section 4.1) with messages of gRPC (5 bytes of prefix) in their DATA.
std::vector<Place> places_in(const std::string& wire) {
  constexpr size_t kFrameHeader = 9, kPrefix = 5;
  std::vector<size_t> at;  // where each byte of the messages stands
  std::string messages;
  size_t first_headers = 0, first_data = 0, last_headers = 0;
  for (size_t frame = 0; frame + kFrameHeader <= wire.size();) {
    auto size = number_of(wire, frame, 3);
    auto type = wire[frame + 3];
    if (type == 1 && first_headers == 0) first_headers = frame;
    if (type == 1) last_headers = frame;
    if (type == 0 && first_data == 0) first_data = frame;
    for (size_t i = 0; type == 0 && i < size; ++i) {
      at.push_back(frame + kFrameHeader + i);
      messages += wire[at.back()];
    }
    frame += kFrameHeader + size;
  }
  size_t last = 0;  // message
  for (size_t m = 0; m + kPrefix <= messages.size(); m += kPrefix + number_of(messages, m + 1, 4))
    last = m;
  EXPECT_GT(last_headers, first_headers) << "no trailers in the recording";
  EXPECT_GT(last, 0U) << "one message only";
  return {{"before the first byte", 0},
          {"in the preface", 5},
          {"in the headers", first_headers + kFrameHeader + 1},
          {"in a frame header", first_data + 4},
          {"in the prefix of a message", at.at(2)},
          {"in a blob", at.at(kPrefix + 8000)},
          {"before the digest", at.at(last)},
          {"in the digest", at.back() - 10},
          {"after the digest", last_headers},
          {"in the status", last_headers + kFrameHeader + 1}};
}

class Cut : public testing::TestWithParam<bool> {};

// F-E09: a real server's stream, cut at each kind of place.
TEST_P(Cut, IsAFailureWhereverItHappens) {
  Proxied scene({.version = GetParam() ? "3.6" : "3.4"}, 0);
  for (int i = 0; i < 3; ++i)
    scene.cluster.ctl({"put", "/registry/c/" + std::to_string(i)}, std::string(30'000, 'x'));
  auto& proxy = *scene.proxies[0];
  ASSERT_EQ(scene.run().exit_code, 0);
  int snapshot = 0;  // its connection: the one that brought most
  for (int i = 0; i < proxy.connections(); ++i)
    if (proxy.recorded(i).size() > proxy.recorded(snapshot).size()) snapshot = i;
  auto places = places_in(proxy.recorded(snapshot));
  for (const auto& place : places) {
    SCOPED_TRACE(place.name);
    ProxyScript cut;
    (GetParam() ? cut.to_client.reset_at : cut.to_client.fin_at) = place.at;
    auto arm = [&] {
      proxy.play([&, base = proxy.connections()](int n) {
        return n == base + snapshot ? cut : ProxyScript();
      });
    };
    Before before(scene.agent);
    arm();
    auto cuts = proxy.cuts();
    auto run = scene.run();
    EXPECT_EQ(proxy.cuts(), cuts + 1);
    arm();
    auto file = scene.agent.path("saved.db");
    EXPECT_EQ(scene.agent.run({"save", file}).exit_code, 3);
    EXPECT_FALSE(std::filesystem::exists(file));
    expect_outcome(scene.agent, before, run, test::fails(3).in("take").saying(proxy.url()), [&] {
      scene.play({});
      return scene.run();
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, Cut, testing::Bool(),
                         [](const auto& test) { return test.param ? "reset" : "fin"; });

// F-E11: one bit of the data turned over on the way, with a real server and no TLS.
TEST(FlippedBit, IsFoundTriedAgainAndNamedWithBothDigests) {
  Proxied scene({.members = 3}, 1);
  ASSERT_EQ(scene.run().exit_code, 0);
  Before before(scene.agent);
  scene.play({.to_client = {.flip_at = 500'000}});
  auto run = scene.run();
  auto flips = 0;
  for (const auto& proxy : scene.proxies) flips += proxy->flips();
  EXPECT_EQ(flips, 2) << "one more try";
  auto message = test::outcome_of(run)["error"]["message"].get<std::string>();
  EXPECT_THAT(message, testing::ContainsRegex("[0-9a-f]{64} announced, [0-9a-f]{64} received"));
  expect_outcome(
      scene.agent, before, run,
      test::fails(4).in("take").saying("does not match its own SHA-256").saying("before that, "),
      [&] {
        scene.play({});
        return scene.run();
      });
}

struct Broken {
  std::string name;
  SnapshotScript script;
  int exit_code = 3;
  std::string says = {}, stage = "take";
};
void PrintTo(const Broken& broken, std::ostream* out) { *out << broken.name; }

std::string body() { return test::snapshot_body(test::small_database(), 4096); }
std::string data() { return test::snapshot_data(test::small_database(), 4096); }

SnapshotScript after_data(Ending how, uint32_t code = 0) {
  return {.body = body(), .stop_after = 9000, .ending = how, .error_code = code};
}
SnapshotScript whole_then(Ending how, uint32_t code = 0) {
  return {.body = body(), .ending = how, .error_code = code};
}
SnapshotScript status(int code, const std::string& text) {
  return {.body = body(), .stop_after = 9000, .grpc_status = code, .grpc_message = text};
}
SnapshotScript only(std::string bytes) { return {.body = std::move(bytes)}; }

std::string wrong_trailer() {
  return data() + test::snapshot_message(0, std::string(32, 'x'), "3.6.0");
}

class BrokenStream : public testing::TestWithParam<Broken> {};

// Every one of them in the same memory as a good stream.
TEST_P(BrokenStream, EndsTheRun) {
  const auto& broken = GetParam();
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  auto good = agent.run({"run"});
  ASSERT_EQ(good.exit_code, 0);
  Before before(agent);
  fake.play(broken.script);
  auto run = agent.run({"run"});
  EXPECT_LT(run.peak_rss_kib, good.peak_rss_kib + 4096);
  expect_outcome(agent, before, run,
                 test::fails(broken.exit_code)
                     .in(broken.stage)
                     .saying(broken.says)
                     .saying(fake.endpoint())
                     .within(5s),
                 [&] {
                   fake.play(test::good_script());
                   return agent.run({"run"});
                 });
}

INSTANTIATE_TEST_SUITE_P(  // F-E10
    Ended, BrokenStream,
    testing::Values(Broken{"rst_no_error", after_data(Ending::rst_stream, 0)},
                    Broken{"rst_internal", after_data(Ending::rst_stream, 2)},
                    Broken{"rst_cancel", after_data(Ending::rst_stream, 8)},
                    Broken{"goaway", after_data(Ending::goaway, 0)},
                    Broken{"goaway_calm", after_data(Ending::goaway, 11)},
                    Broken{"end_stream", after_data(Ending::end_stream), 3, "without a status"},
                    Broken{"whole_rst", whole_then(Ending::rst_stream, 0)},
                    Broken{"whole_goaway", whole_then(Ending::goaway, 0)},
                    Broken{"whole_end_stream", whole_then(Ending::end_stream), 3,
                           "without a status"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(  // F-E11
    Digest, BrokenStream,
    testing::Values(Broken{"missing", only(data()), 4, "stream ended without the SHA-256 trailer"},
                    Broken{"wrong", only(wrong_trailer()), 4, "7878787878787878 announced"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(  // F-E12
    Status, BrokenStream,
    testing::Values(Broken{"unknown", status(2, "broken%20disk"), 3, "broken disk"},
                    Broken{"deadline", status(4, "too%20late"), 3, "too late"},
                    Broken{"exhausted", status(8, "trying%20to%20send"), 3, "trying to send"},
                    Broken{"internal", status(13, "oops"), 3, "oops"},
                    Broken{"unavailable", status(14, "stopping"), 3, "stopping"},
                    Broken{"auth_of_3_5", status(2, "auth: permission denied"), 3, "role root"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(  // F-E13
    Lies, BrokenStream,
    testing::Values(
        Broken{"remaining_grows",
               only(test::snapshot_message(8192, std::string(4096, 'a')) +
                    test::snapshot_message(9000, std::string(4096, 'a'))),
               4, "inconsistent stream"},
        Broken{"blob_beyond_remaining",
               only(test::snapshot_message(4096, std::string(4096, 'a')) +
                    test::snapshot_message(0, std::string(8192, 'a'))),
               4, "inconsistent stream"},
        Broken{"data_after_the_trailer", only(body() + test::snapshot_message(0, "more")), 4,
               "inconsistent stream"},
        Broken{"two_trailers", only(body() + test::snapshot_message(0, std::string(32, 't'))), 4,
               "inconsistent stream"},
        Broken{"four_gigabytes", only(std::string("\0\xff\xff\xff\xff\x1a", 6)), 4,
               "inconsistent stream"},
        Broken{"compressed", only(std::string("\1\0\0\0\1x", 6)), 4, "inconsistent stream"},
        Broken{"field_past_the_end",
               only(std::string("\0\0\0\0\4\x1a\x7f"
                                "ab",
                                9)),
               4, "inconsistent stream"}),
    [](const auto& test) { return test.param.name; });

// F-E25: what the first message announces counts, not what preflight heard.
TEST(GrownDatabase, IsRefusedBeforeItFillsTheDisk) {
  FakeGrpc fake(test::good_script());
  Agent agent({.endpoints = {fake.endpoint()}});
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  Before before(agent);
  // As many messages as fill every buffer on the way, and then nothing more.
  constexpr uint64_t kTotal = 1ULL << 50, kBlob = 32768;
  SnapshotScript huge{.ending = Ending::hang};
  for (uint64_t i = 1; i <= 256; ++i)
    huge.body += test::snapshot_message(kTotal - i * kBlob, std::string(kBlob, 'a'));
  fake.play(huge);
  auto run = agent.run({"run"});
  expect_outcome(agent, before, run,
                 test::fails(8).in("take").saying("there is room for").saying("local.reserve"),
                 [&] {
                   fake.play(test::good_script());
                   return agent.run({"run"});
                 });
}

}  // namespace
}  // namespace snap::faults
