// The snapshot stream against a server that breaks in every way it can (F-E07 to F-E13).
#include "etcd/snapshot_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <thread>

#include "etcd/client.h"
#include "support/fake_grpc.h"

namespace snap::etcd {
namespace {

using namespace std::chrono_literals;
using test::SnapshotScript;
using testing::HasSubstr;
using Ending = SnapshotScript::Ending;

struct Outcome {
  std::string bytes;
  uint64_t total = 0;
  std::string version;
  Result<void> end;  // how it ended
};

ClientConfig config(const test::FakeGrpc& server) {
  ClientConfig config;
  config.endpoints = {server.endpoint()};
  config.stall_timeout = 10s;
  return config;
}

Outcome receive(ClientConfig config, size_t buffer_bytes = 1 << 20) {
  auto client = Client::create(config).value();
  auto stream = client.snapshot(config.endpoints[0]);
  Outcome outcome;
  std::vector<std::byte> buffer(buffer_bytes);
  for (;;) {
    auto n = stream->read(buffer);
    if (!n) outcome.end = std::unexpected(n.error());
    if (!n || *n == 0) break;
    outcome.bytes += as_text(Bytes(buffer).first(*n));
    outcome.total = stream->total_bytes();
    outcome.version = stream->storage_version();
  }
  return outcome;
}

Outcome play(SnapshotScript script) {
  test::FakeGrpc server(std::move(script));
  return receive(config(server));
}

const std::string& database() {
  static const auto bytes = test::some_database(600'000);
  return bytes;
}

TEST(SnapshotStream, DeliversDatabaseAndTrailerIntoBuffersOfAnySize) {
  test::FakeGrpc server({.body = test::snapshot_body(database())});
  for (size_t size : {17UL, 4096UL, 100'000UL, 1UL << 20}) {
    auto outcome = receive(config(server), size);
    ASSERT_TRUE(outcome.end) << describe(outcome.end.error());
    EXPECT_EQ(outcome.bytes.size(), database().size() + 32);
    EXPECT_EQ(outcome.bytes.substr(0, database().size()), database());
    EXPECT_EQ(outcome.total, database().size() + 32);
    EXPECT_EQ(outcome.version, "3.6.0");
  }
}

TEST(SnapshotStream, FillsTheWholeBuffer) {
  test::FakeGrpc server({.body = test::snapshot_body(test::some_database(3 << 20))});
  auto client = Client::create(config(server)).value();
  auto stream = client.snapshot(server.endpoint());
  std::vector<std::byte> buffer(1 << 20);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(stream->read(buffer).value(), buffer.size());
  EXPECT_EQ(stream->read(buffer).value(), 32U);
  EXPECT_EQ(stream->read(buffer).value(), 0U);
}

TEST(SnapshotStream, IsTheSameInDataFramesOfOneByte) {
  auto small = test::some_database(8192);
  auto outcome = play({.body = test::snapshot_body(small, 1000), .chunk_bytes = 1});
  ASSERT_TRUE(outcome.end) << describe(outcome.end.error());
  EXPECT_EQ(outcome.bytes.substr(0, small.size()), small);
}

struct Case {
  std::string name;
  SnapshotScript script;
  Code code;
  std::string message;  // a part of it
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Broken : public testing::TestWithParam<Case> {};
TEST_P(Broken, NamesEndpointAndCause) {
  test::FakeGrpc server(GetParam().script);
  auto outcome = receive(config(server));
  ASSERT_FALSE(outcome.end);
  EXPECT_EQ(name_of(outcome.end.error().code), name_of(GetParam().code))
      << describe(outcome.end.error());
  EXPECT_THAT(outcome.end.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(outcome.end.error().message, HasSubstr(server.endpoint()));
}

std::string data() { return test::snapshot_data(database()); }
std::string whole() { return test::snapshot_body(database()); }
constexpr auto kHalf = 300'000UL;

SnapshotScript ending(Ending how, uint32_t error_code = 0) {
  return {.body = whole(), .stop_after = kHalf, .ending = how, .error_code = error_code};
}
SnapshotScript status(int code, const std::string& text) {
  return {.body = whole(), .stop_after = kHalf, .grpc_status = code, .grpc_message = text};
}
SnapshotScript body(std::string bytes) { return {.body = std::move(bytes)}; }

INSTANTIATE_TEST_SUITE_P(
    Cut, Broken,
    testing::Values(
        Case{"fin", ending(Ending::fin), Code::unavailable, "(at byte 29"},
        Case{"reset", ending(Ending::reset), Code::unavailable, "the connection was cut"},
        Case{"rst_stream_no_error", ending(Ending::rst_stream, 0), Code::unavailable, "cut"},
        Case{"rst_stream_internal", ending(Ending::rst_stream, 2), Code::unavailable, "cut"},
        Case{"rst_stream_cancel", ending(Ending::rst_stream, 8), Code::unavailable, "cut"},
        Case{"goaway", ending(Ending::goaway, 0), Code::unavailable, "cut"},
        Case{"goaway_calm", ending(Ending::goaway, 11), Code::unavailable, "cut"},
        Case{"end_stream_in_the_middle", ending(Ending::end_stream), Code::unavailable,
             "ended without a status"},
        Case{"whole_without_status",
             {.body = whole(), .ending = Ending::end_stream},
             Code::unavailable,
             "ended without a status"},
        Case{"whole_then_fin", {.body = whole(), .ending = Ending::fin}, Code::unavailable, "cut"},
        Case{"garbage", ending(Ending::garbage), Code::unavailable, "cut"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Status, Broken,
    testing::Values(Case{"unknown", status(2, "broken%20disk"), Code::unavailable, "broken disk"},
                    Case{"deadline", status(4, "too late"), Code::timeout, "too late"},
                    Case{"exhausted", status(8, "too much"), Code::unavailable, "too much"},
                    Case{"internal", status(13, "oops"), Code::unavailable, "oops"},
                    Case{"unavailable", status(14, "stopping"), Code::unavailable, "stopping"},
                    Case{"auth_text_of_3_5", status(2, "auth: permission denied"), Code::denied,
                         "permission denied"},
                    Case{"http_502", {.http_status = 502}, Code::unavailable, "HTTP status 502"},
                    Case{"http_415", {.http_status = 415}, Code::unavailable, "HTTP status 415"},
                    Case{"unimplemented",
                         {.grpc_status = 12, .grpc_message = "unknown service"},
                         Code::denied,
                         "unknown service"}),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Lies, Broken,
    testing::Values(
        Case{"no_trailer", body(data()), Code::corrupt, "stream ended without the SHA-256 trailer"},
        Case{"nothing", body(""), Code::corrupt, "it ended with"},
        Case{"data_missing", body(whole().substr(0, whole().size() / 2)), Code::corrupt,
             "it ended inside a message"},
        Case{"compressed", body(std::string("\1\0\0\0\1x", 6)), Code::corrupt, "compressed"},
        Case{"four_gigabytes", body(std::string("\0\xff\xff\xff\xff\x1a", 6)), Code::corrupt,
             "a message of 4294967295 bytes"},
        Case{"two_trailers", body(whole() + test::snapshot_message(0, std::string(32, 't'))),
             Code::corrupt, "a message after the SHA-256 trailer"},
        Case{"data_after_the_trailer", body(whole() + test::snapshot_message(0, "more")),
             Code::corrupt, "a message after the SHA-256 trailer"}),
    [](const auto& test) { return test.param.name; });

TEST(SnapshotStream, FailsWhereverTheConnectionIsCut) {
  auto small = test::some_database(4096);
  auto bytes = test::snapshot_body(small, 4096);
  // Preface and headers, frame headers, gRPC prefix, blob, trailer blob, up to the grpc-status.
  std::vector<size_t> places;
  for (size_t at = 0; at < 90; at += 3) places.push_back(at);
  for (size_t at = bytes.size() + 50; at < bytes.size() + 110; at += 3) places.push_back(at);
  test::FakeGrpc server;
  for (auto how : {Ending::fin, Ending::reset}) {
    for (auto at : places) {
      server.play({.body = bytes, .ending = how, .cut_after = at});
      auto outcome = receive(config(server));
      ASSERT_FALSE(outcome.end) << "cut at " << at;
      EXPECT_EQ(outcome.end.error().code, Code::unavailable) << describe(outcome.end.error());
    }
  }
}

TEST(SnapshotStream, EndsAStallWithinItsLimit) {
  test::FakeGrpc server(ending(Ending::hang));
  auto begin = std::chrono::steady_clock::now();
  auto limited = config(server);
  limited.stall_timeout = 1000ms;
  auto outcome = receive(limited);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  ASSERT_FALSE(outcome.end);
  EXPECT_EQ(outcome.end.error().code, Code::timeout);
  EXPECT_THAT(outcome.end.error().message, HasSubstr("no progress for 1 s at "));
  EXPECT_THAT(outcome.end.error().message, HasSubstr(" of 598 kB"));
}

TEST(SnapshotStream, TakesEmptyMessagesForAStallWithoutBurningACore) {
  auto first = test::snapshot_message(4096, std::string(4096, 'a'));
  test::FakeGrpc server(
      {.body = first, .repeat = test::snapshot_message(4096, ""), .ending = Ending::hang});
  auto limited = config(server);
  limited.stall_timeout = 2000ms;
  timespec before, after;
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  auto outcome = receive(limited);
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  ASSERT_FALSE(outcome.end);
  EXPECT_EQ(outcome.end.error().code, Code::timeout) << describe(outcome.end.error());
  auto cpu_ms =
      (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1'000'000;
  EXPECT_LT(cpu_ms, 1000);  // of the 2000 or more that it waited; sanitizers take their part
}

TEST(SnapshotStream, HasNoTotalLimit) {
  auto small = test::some_database(16384);
  test::FakeGrpc server({.body = test::snapshot_body(small), .chunk_bytes = 500, .pause = 100ms});
  auto limited = config(server);
  limited.stall_timeout = 2000ms;
  auto begin = std::chrono::steady_clock::now();
  auto outcome = receive(limited);
  EXPECT_TRUE(outcome.end) << describe(outcome.end.error());
  EXPECT_GT(std::chrono::steady_clock::now() - begin, limited.stall_timeout);
}

TEST(SnapshotStream, DoesNotCountTheTimeInWhichNobodyReads) {
  test::FakeGrpc server({.body = test::snapshot_body(database())});
  auto limited = config(server);
  limited.stall_timeout = 2000ms;
  auto client = Client::create(limited).value();
  auto stream = client.snapshot(server.endpoint());
  std::vector<std::byte> buffer(100'000);
  ASSERT_TRUE(stream->read(buffer));
  auto later = std::chrono::steady_clock::now() + 2200ms;
  std::this_thread::sleep_until(later);
  for (;;) {
    auto n = stream->read(buffer);
    ASSERT_TRUE(n) << describe(n.error());
    if (*n == 0) break;
  }
}

TEST(SnapshotStream, StopsWhenTold) {
  test::FakeGrpc server(ending(Ending::hang));
  std::stop_source stop;
  auto stoppable = config(server);
  stoppable.stall_timeout = 60s;
  stoppable.stop = stop.get_token();
  std::jthread later([&] {
    while (server.requests("Snapshot") == 0) std::this_thread::yield();
    stop.request_stop();
  });
  auto begin = std::chrono::steady_clock::now();
  auto outcome = receive(stoppable);
  ASSERT_FALSE(outcome.end);
  EXPECT_EQ(outcome.end.error().code, Code::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

}  // namespace
}  // namespace snap::etcd
