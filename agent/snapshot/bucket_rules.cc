#include "snapshot/bucket_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <optional>

#include "snapshot/json_object.h"
#include "snapshot/rows.h"
#include "wire/protobuf.h"

namespace snap::snapshot {
namespace {

constexpr uint32_t kFirstField = 1;

// The first field of a message, which all that is stored here is named by.
struct Message {
  bool readable = true;
  wire::Field name;
};

Message read_message(Bytes bytes) {
  Message message;
  wire::Reader reader(bytes);
  for (;;) {
    auto field = reader.next();
    message.readable = field.has_value();
    if (!field || !*field) return message;
    if ((*field)->number == kFirstField) message.name = **field;
  }
}

// "3.6.0": three numbers; what may follow them is not looked at.
bool is_version(std::string_view text) {
  for (int i = 0; i < 3; ++i) {
    auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return false;
    text.remove_prefix(digits);
    if (i < 2 && !text.starts_with('.')) return false;
    if (i < 2) text.remove_prefix(1);
  }
  return true;
}

std::optional<uint64_t> member_id(Bytes key) {
  auto text = as_text(key);
  uint64_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && to_hex(id) == text ? std::optional(id) : std::nullopt;
}

std::string length_problem(Bytes value, size_t expected) {
  return value.size() == expected
             ? ""
             : std::format("is {} bytes long, expected {}", value.size(), expected);
}

std::string problem_of_meta(Bytes key, Bytes value) {
  auto name = as_text(key);
  if (name == "consistent_index" || name == "term") return length_problem(value, 8);
  if (name == "finishedCompactRev" || name == "scheduledCompactRev") {
    auto revision = read_revision(value);
    bool sound = revision && !revision->tombstone && revision->main >= 0 && revision->sub == 0;
    return sound ? "" : "is no revision of 17 bytes that ends with _0";
  }
  if (name == "confState") return read_json_object(as_text(value)) ? "" : "is no JSON object";
  if (name == "storageVersion") return is_version(as_text(value)) ? "" : "is no version";
  return "";
}

std::string problem_of_member(Bytes key, Bytes value) {
  auto id = member_id(key);
  if (!id) return "is not named by a member id in hexadecimal";
  auto object = read_json_object(as_text(value));
  if (!object) return "is no JSON object";
  if (object->id != id)
    return std::format("names the id {}, expected {}",
                       object->id ? to_hex(*object->id) : std::string("(none)"), to_hex(*id));
  return "";
}

std::string problem_of_removed_member(Bytes key, Bytes) {
  return member_id(key) ? "" : "is not named by a member id in hexadecimal";
}

std::string problem_of_cluster(Bytes key, Bytes value) {
  if (as_text(key) == "clusterVersion") return is_version(as_text(value)) ? "" : "is no version";
  if (as_text(key) == "downgrade")
    return read_json_object(as_text(value)) ? "" : "is no JSON object";
  return "";
}

std::string problem_of_lease(Bytes key, Bytes value) {
  if (key.size() != 8) return "is not named by a lease id of 8 bytes";
  auto lease = read_message(value);
  if (!lease.readable) return "is no Lease";
  auto id = load_be<uint64_t>(key.data());
  if (lease.name.value != id)
    return std::format("holds the lease {}, expected {}", to_hex(lease.name.value), to_hex(id));
  return "";
}

std::string problem_of_alarm(Bytes key, Bytes) {
  return read_message(key).readable ? "" : "is no AlarmMember";
}

std::string problem_of_auth(Bytes key, Bytes value) {
  if (as_text(key) == "authRevision") return length_problem(value, 8);
  if (as_text(key) != "authEnabled") return "";
  if (value.size() != 1) return length_problem(value, 1);
  return value[0] <= std::byte{1} ? "" : "is neither on (1) nor off (0)";
}

std::string problem_of_named(Bytes key, Bytes value) {
  auto message = read_message(value);
  if (!message.readable) return "cannot be read";
  return as_text(message.name.bytes) == as_text(key) ? "" : "holds another name";
}

constexpr std::array kRules = std::to_array<BucketRule>({
    {"alarm", false, problem_of_alarm},
    {"auth", false, problem_of_auth},
    {"authRoles", false, problem_of_named},
    {"authUsers", false, problem_of_named},
    {"cluster", false, problem_of_cluster},
    {"lease", false, problem_of_lease},
    {"members", true, problem_of_member},
    {"members_removed", false, problem_of_removed_member},
    {"meta", false, problem_of_meta},
});

}  // namespace

std::span<const BucketRule> bucket_rules() { return kRules; }

const BucketRule* rule_of(std::string_view bucket) {
  auto found = std::ranges::find(kRules, bucket, &BucketRule::bucket);
  return found == kRules.end() ? nullptr : &*found;
}

}  // namespace snap::snapshot
