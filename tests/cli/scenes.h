// What the tests of the program share: a fake member that is healthy, and what holds after every
// failure.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <format>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/crc32c.h"
#include "snapshot/etcd_image.h"
#include "support/agent.h"
#include "support/fake_grpc.h"

namespace snap::test {

inline BoltImage::Pairs small_rows(int keys) {
  BoltImage::Pairs rows;
  for (int i = 0; i < keys; ++i)
    rows.push_back(row(i + 2, 0, std::format("/key-{}", i), std::string(60, 'v')));
  return rows;
}

// A database as etcd writes it, with `keys` keys of 60 bytes.
inline std::string small_database(int keys = 40) {
  return etcd_image(small_rows(keys), {{"storageVersion", "3.6.0"}}).database();
}

// What the member that holds it answers to HashKV: nothing was ever compacted, so all rows count.
inline HashKvScript small_hash_kv(int keys = 40) {
  auto crc = crc32c(0, as_bytes("key"));
  for (const auto& [key, value] : small_rows(keys))
    crc = crc32c(crc32c(crc, as_bytes(key)), as_bytes(value));
  return {.hash = crc, .compact_revision = -1, .hash_revision = keys + 1};
}

inline SnapshotScript good_script() {
  return {.body = snapshot_body(small_database(), 4096), .hash_kv = small_hash_kv()};
}

// A sound snapshot that needs about 15 s to arrive: held up, but never stalled.
inline SnapshotScript slow_script() {
  auto script = good_script();
  script.chunk_bytes = script.body.size() / 150;
  script.pause = std::chrono::milliseconds(100);
  return script;
}

// Path of every file below a directory, with its content.
inline std::map<std::string, std::string> contents(const std::string& directory) {
  std::map<std::string, std::string> all;
  if (!std::filesystem::exists(directory)) return all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) all[entry.path()] = read_file(entry.path());
  }
  return all;
}

// The sets only: without locks, notes and other names with a dot.
inline std::map<std::string, std::string> set_contents(const Agent& agent) {
  std::map<std::string, std::string> all;
  for (const auto& set : agent.sets()) all.merge(contents(agent.set_path(set)));
  return all;
}

// The last line of the log that tells of an error.
inline std::string error_line(const Finished& finished) {
  auto begin = finished.err.rfind(" error ");
  if (begin == std::string::npos) return "";
  return finished.err.substr(begin + 7, finished.err.find('\n', begin) - begin - 7);
}

inline nlohmann::json parsed(const std::string& text) {
  auto json = nlohmann::json::parse(text, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << text;
  return json;
}

// A failed `run`: exit status, outcome line and log tell the same, with a hint, and nothing half
// done is left.
inline void expect_failed_run(const Agent& agent, const Finished& finished, int exit_code,
                              const std::string& stage, const std::string& message) {
  EXPECT_EQ(finished.exit_code, exit_code) << finished.text();
  auto outcome = outcome_of(finished);
  ASSERT_TRUE(outcome.is_object()) << finished.text();
  EXPECT_EQ(outcome["exit"], exit_code) << finished.text();
  ASSERT_TRUE(outcome["error"].is_object()) << finished.text();
  auto error = outcome["error"];
  EXPECT_EQ(error["stage"], stage) << finished.text();
  EXPECT_THAT(error["message"].get<std::string>(), testing::HasSubstr(message));
  EXPECT_TRUE(error["hint"].is_string()) << "no hint: " << error;
  auto hint = error["hint"].is_string() ? error["hint"].get<std::string>() : "";
  EXPECT_THAT(finished.err,
              testing::HasSubstr(" error " + error["message"].get<std::string>() + " (" + hint));
  agent.expect_nothing_left();
}

}  // namespace snap::test
