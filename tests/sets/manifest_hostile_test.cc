// Manifests that somebody damaged or made up: F-V05 to F-V08.
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "sets/manifest.h"
#include "support/sample_manifest.h"

namespace snap::sets {
namespace {

using nlohmann::json;

std::string golden() { return to_json(test::sample_manifest()); }

void expect_clean(const std::string& message) {
  for (unsigned char c : message) EXPECT_TRUE(c >= 0x20 && c != 0x7f) << message;
  EXPECT_LT(message.size(), 2000u);
}

struct Text {
  std::string name;
  std::string text;
};
void PrintTo(const Text& c, std::ostream* out) { *out << c.name; }

// F-V06
class DamagedText : public testing::TestWithParam<Text> {};
TEST_P(DamagedText, IsCorrupt) {
  auto manifest = parse_manifest(GetParam().text);
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, Code::corrupt) << manifest.error().message;
  EXPECT_TRUE(manifest.error().message.starts_with("manifest: ")) << manifest.error().message;
  expect_clean(manifest.error().message);
}

std::string repeated(std::string_view piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}
// The golden manifest with one text replaced by another.
std::string with(std::string_view from, std::string_view to) {
  auto text = golden();
  auto at = text.find(from);
  if (at == text.npos) return "{\"schema\": 2}";  // not corrupt: the test fails
  return text.replace(at, from.size(), to);
}

INSTANTIATE_TEST_SUITE_P(
    AsText, DamagedText,
    testing::Values(
        Text{"empty", ""}, Text{"space", "  \n"}, Text{"half", golden().substr(0, 700)},
        Text{"binary", std::string("\x7f"
                                   "ELF\x02\x01\x01\0\0",
                                   9)},
        Text{"zeros", std::string(4096, '\0')}, Text{"byte_order_mark", "\xef\xbb\xbf" + golden()},
        Text{"utf16", std::string("{\0\"\0s\0", 6)}, Text{"two_documents", golden() + golden()},
        Text{"junk_behind", golden() + "x"}, Text{"nul_behind", golden() + std::string("\0{", 2)},
        Text{"comment", "// mine\n" + golden()}, Text{"trailing_comma", "{\"schema\":1,}"},
        Text{"too_large", golden() + std::string(kMaxManifestBytes, ' ')},
        Text{"deep_arrays", std::string(100'000, '[')},
        Text{"deep_closed_arrays", std::string(100'000, '[') + std::string(100'000, ']')},
        Text{"deep_objects", repeated("{\"a\":", 100'000)},
        Text{"deep_unknown_field",
             with("\"schema\": 1",
                  "\"x\": " + std::string(16, '[') + std::string(16, ']') + ", \"schema\": 1")},
        Text{"array", "[]"}, Text{"text", "\"manifest\""}, Text{"null", "null"},
        Text{"no_schema", "{}"}, Text{"not_closed", "{\"schema\": 1"},
        Text{"closed_twice", "{\"schema\": 2}}"}, Text{"no_comma", "{\"schema\": 2 \"a\": 1}"},
        Text{"key_twice", with("\"schema\": 1", "\"schema\": 1, \"schema\": 1")},
        Text{"key_twice_escaped", with("\"schema\": 1", "\"schema\": 1, \"sch\\u0065ma\": 1")},
        Text{"key_twice_inside", with("\"raftTerm\": 7", "\"raftTerm\": 7, \"raftTerm\": 8")},
        Text{"key_twice_in_unknown",
             with("\"schema\": 1", "\"x\": {\"a\":1,\"a\":2}, \"schema\": 1")},
        Text{"nan", with("\"raftTerm\": 7", "\"raftTerm\": NaN")},
        Text{"infinity", with("\"raftTerm\": 7", "\"raftTerm\": 1e400")},
        Text{"bad_utf8", with("schedule", "sched\xffule")},
        Text{"cut_utf8", with("schedule", "sched\xc3")},
        Text{"surrogate", with("schedule", "\\ud800")},
        Text{"raw_line_break", with("schedule", "sched\nule")},
        Text{"leading_zero", with("\"raftTerm\": 7", "\"raftTerm\": 07")}),
    [](const auto& test) { return test.param.name; });

struct Change {
  std::string name;
  std::function<void(json&)> spoil;
  std::string names;  // must stand in the message
};
void PrintTo(const Change& c, std::ostream* out) { *out << c.name; }

class SpoiltManifest : public testing::TestWithParam<Change> {};
TEST_P(SpoiltManifest, IsCorruptAndNamesTheField) {
  auto text = json::parse(golden());
  GetParam().spoil(text);
  auto manifest = parse_manifest(text.dump());
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, Code::corrupt);
  EXPECT_NE(manifest.error().message.find(GetParam().names), std::string::npos)
      << manifest.error().message;
  expect_clean(manifest.error().message);
}

std::function<void(json&)> put(const char* pointer, json value) {
  return [=](json& m) { m[json::json_pointer(pointer)] = value; };
}
std::function<void(json&)> drop(const char* object, const char* key) {
  return [=](json& m) { m[json::json_pointer(object)].erase(key); };
}
std::function<void(json&)> file_name(const std::string& name) { return put("/files/1/name", name); }

INSTANTIATE_TEST_SUITE_P(
    Fields, SpoiltManifest,
    testing::Values(
        Change{"size_text", put("/snapshot/size", "5"), "snapshot.size"},
        Change{"size_negative", put("/snapshot/size", -1), "snapshot.size"},
        Change{"size_fraction", put("/snapshot/size", 1.5), "snapshot.size"},
        Change{"size_float", put("/snapshot/size", 5.0), "snapshot.size"},
        Change{"size_two_to_63", put("/snapshot/size", 9223372036854775808u), "snapshot.size"},
        Change{"size_null", put("/files/0/size", nullptr), "files[0].size"},
        Change{"size_true", put("/files/1/size", true), "files[1].size"},
        Change{"sum_of_sizes", put("/files/1/size", 9223372036854775807), "2^63"},
        Change{"hash_two_to_32", put("/snapshot/hash", 4294967296), "snapshot.hash"},
        Change{"hash_text", put("/snapshot/hash", "4048293801"), "snapshot.hash"},
        Change{"digest_short", put("/files/1/sha256", std::string(63, 'a')), "files[1].sha256"},
        Change{"digest_long", put("/files/1/sha256", std::string(65, 'a')), "files[1].sha256"},
        Change{"digest_upper", put("/files/1/sha256", std::string(64, 'A')), "files[1].sha256"},
        Change{"digest_number", put("/files/1/sha256", 7), "files[1].sha256"},
        Change{"digest_g", put("/files/1/sha256", std::string(64, 'g')), "files[1].sha256"},
        Change{"id_number", put("/etcd/clusterId", 17), "etcd.clusterId"},
        Change{"id_empty", put("/etcd/clusterId", ""), "etcd.clusterId"},
        Change{"id_long", put("/etcd/clusterId", std::string(17, '1')), "etcd.clusterId"},
        Change{"id_0x", put("/etcd/memberId", "0x1f"), "etcd.memberId"},
        Change{"time_local", put("/started", "2026-11-21T01:30:00+01:00"), "started"},
        Change{"time_number", put("/finished", 1795224600), "finished"},
        Change{"no_such_day", put("/started", "2026-02-30T01:30:00Z"), "started"},
        Change{"role", put("/etcd/role", "learner"), "etcd.role"},
        Change{"proof_word", put("/proof/trailer/result", "ok"), "proof.trailer.result"},
        Change{"proof_bool", put("/proof/trailer", true), "proof.trailer"},
        Change{"proof_missing", drop("/proof", "members"), "proof.members"},
        Change{"reason_number", put("/proof/mvcc/reason", 3), "proof.mvcc.reason"},
        Change{"etcd_missing", drop("", "etcd"), "etcd"},
        Change{"etcd_list", put("/etcd", json::array()), "etcd"},
        Change{"alarm_text", put("/etcd/alarms/0", "NOSPACE"), "etcd.alarms[0]"},
        Change{"files_object", put("/files", json::object()), "files"},
        Change{"files_empty", put("/files", json::array()), "snapshot.file"},
        Change{"snapshot_not_listed", put("/snapshot/file", "other.db"), "snapshot.file"},
        Change{"snapshot_size_differs", put("/snapshot/size", 5), "disagree"},
        Change{"snapshot_digest_differs", put("/snapshot/sha256", std::string(64, 'c')),
               "disagree"},
        Change{"warnings_numbers", put("/warnings", json{1}), "warnings[0]"},
        Change{"paths_missing", drop("/resources", "paths"), "resources.paths"},
        Change{"certificate_date", put("/resources/certificates/0/notAfter", "soon"),
               "resources.certificates[0].notAfter"},
        Change{"name_up", file_name("../x"), "files"},
        Change{"name_dots", file_name(".."), "files"}, Change{"name_dot", file_name("."), "files"},
        Change{"name_empty", file_name(""), "files"},
        Change{"name_absolute", file_name("/etc/shadow"), "files"},
        Change{"name_nul", file_name(std::string("a\0b", 3)), "files"},
        Change{"name_line_break", file_name("a\nb"), "files"},
        Change{"name_escape_code", file_name("\x1b[2Ja"), "files"},
        Change{"name_300_bytes", file_name(std::string(300, 'n')), "files"},
        Change{"name_manifest", file_name("manifest.json"), "files"},
        Change{"name_twice", file_name("snapshot_2026-11-21_013000.db"), "twice"}),
    [](const auto& test) { return test.param.name; });

// F-V07
class NewerSchema : public testing::TestWithParam<Change> {};
TEST_P(NewerSchema, IsRefusedAsSuch) {
  auto text = json::parse(golden());
  GetParam().spoil(text);
  auto manifest = parse_manifest(text.dump());
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, Code::invalid);
  EXPECT_NE(manifest.error().message.find("written by a newer version"), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(
    Schemas, NewerSchema,
    testing::Values(Change{"two", put("/schema", 2), ""}, Change{"text", put("/schema", "1"), ""},
                    Change{"zero", put("/schema", 0), ""}, Change{"float", put("/schema", 1.0), ""},
                    Change{"object", put("/schema", json::object()), ""},
                    Change{"nothing_else", [](json& m) { m = {{"schema", 2}}; }, ""},
                    Change{"encrypted", put("/encryption", {{"recipient", "age1"}}), ""}),
    [](const auto& test) { return test.param.name; });

TEST(Manifest, IgnoresUnknownFields) {
  auto text = json::parse(golden());
  text["later"] = {{"a", {1, 2.5, nullptr, -3}}};
  text["etcd"]["later"] = true;
  text["files"][0]["later"] = "x";
  text["proof"]["later"] = "passed";
  text["encryption"] = nullptr;
  auto manifest = parse_manifest(text.dump());
  ASSERT_TRUE(manifest) << describe(manifest.error());
  EXPECT_EQ(*manifest, test::sample_manifest());
}

// Every prefix, and every byte replaced: an Error or a manifest, never a crash.
TEST(Manifest, SurvivesCutsAndFlippedBytes) {
  const auto whole = golden();
  for (size_t size = 0; size + 1 < whole.size(); ++size) {  // the last byte is a line break
    EXPECT_EQ(parse_manifest(std::string_view(whole).substr(0, size)).has_value(),
              size + 1 == whole.size());
  }
  int accepted = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    auto damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x80);  // never UTF-8, nor a digit or a letter
    accepted += parse_manifest(damaged).has_value();
  }
  EXPECT_EQ(accepted, 0);
}

}  // namespace
}  // namespace snap::sets
