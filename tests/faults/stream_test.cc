// Snapshots that break on the way: cut, changed, contradictory.
#include "faults/proxied.h"

namespace snap::faults {
namespace {

using namespace std::chrono_literals;
using test::Agent;
using test::Before;
using test::FakeGrpc;
using test::ProxyScript;
using test::SnapshotScript;
using testing::HasSubstr;
using Ending = SnapshotScript::Ending;

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
