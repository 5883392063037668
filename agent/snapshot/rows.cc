#include "snapshot/rows.h"

namespace snap::snapshot {
namespace {

constexpr size_t kRevisionBytes = 17;

// Protobuf's varint, off the front of `from`.
std::optional<uint64_t> take_varint(Bytes& from) {
  uint64_t value = 0;
  for (size_t i = 0; i < from.size() && i < 10; ++i) {
    auto byte = std::to_integer<uint64_t>(from[i]);
    value |= (byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      from = from.subspan(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };
enum Field : uint64_t {
  kKey = 1,
  kCreateRevision = 2,
  kModRevision = 3,
  kVersion = 4,
  kValue = 5,
  kLease = 6
};

// Whether a field of this number may have this type; unknown ones any.
bool fits(uint64_t field, uint64_t type) {
  if (field == kKey || field == kValue) return type == kLength;
  return field > kLease || type == kVarint;
}

void take_number(KeyValue& row, uint64_t field, int64_t number) {
  if (field == kCreateRevision) row.create_revision = number;
  if (field == kModRevision) row.mod_revision = number;
  if (field == kVersion) row.version = number;
  if (field == kLease) row.lease = number;
}

}  // namespace

std::optional<Revision> read_revision(Bytes key) {
  if (key.size() != kRevisionBytes && key.size() != kRevisionBytes + 1) return std::nullopt;
  bool tombstone = key.size() > kRevisionBytes;
  if (key[8] != std::byte{'_'}) return std::nullopt;
  if (tombstone && key[kRevisionBytes] != std::byte{'t'}) return std::nullopt;
  return Revision{.main = static_cast<int64_t>(load_be<uint64_t>(key.data())),
                  .sub = static_cast<int64_t>(load_be<uint64_t>(key.data() + 9)),
                  .tombstone = tombstone};
}

std::optional<KeyValue> read_key_value(Bytes head, uint64_t size_bytes) {
  KeyValue row;
  auto beyond = size_bytes - head.size();  // bytes of the message that we do not have
  while (!head.empty()) {
    auto tag = take_varint(head);
    if (!tag || *tag >> 3 == 0) return std::nullopt;
    auto field = *tag >> 3, type = *tag & 7;
    if (!fits(field, type)) return std::nullopt;
    uint64_t skip = type == kFixed64 ? 8 : 4;
    if (type == kVarint || type == kLength) {
      auto number = take_varint(head);
      if (!number) return std::nullopt;
      if (type == kVarint) take_number(row, field, static_cast<int64_t>(*number));
      if (field == kValue) row.has_value = *number > 0;
      skip = type == kVarint ? 0 : *number;
    } else if (type != kFixed64 && type != kFixed32) {
      return std::nullopt;
    }
    if (skip > head.size()) {
      if (skip > head.size() + beyond || field == kKey) return std::nullopt;
      return row;  // the value runs on beyond the head
    }
    if (field == kKey) row.key = head.first(skip);
    head = head.subspan(skip);
  }
  return row;
}

}  // namespace snap::snapshot
