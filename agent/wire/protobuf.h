// Protocol buffer messages, field by field.
//
// Enough for the messages of etcd: varints, fixed numbers, bytes and nested messages; groups are
// refused. Lengths are checked against the message before anything is touched. Readers skip the
// fields that they do not know.
// Format: protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace snap::wire {

enum class WireType : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

// A field's number and wire type; not yet checked to be one that exists.
struct Tag {
  uint64_t number;
  uint8_t type;

  explicit Tag(uint64_t varint) : number(varint >> 3), type(varint & 7) {}
  // Numbers go from 1 to 2^29 - 1.
  bool valid() const { return number > 0 && number < (1U << 29) && (type <= 2 || type == 5); }
};

struct Field {
  uint32_t number = 0;
  WireType type = WireType::varint;
  uint64_t value = 0;  // varint, fixed64, fixed32
  Bytes bytes;         // bytes: a view into the message

  std::string text() const { return std::string(as_text(bytes)); }
  int64_t signed_value() const { return static_cast<int64_t>(value); }
};

// Collects a varint byte by byte, for data that comes in pieces.
class Varint {
 public:
  enum class State : uint8_t { more, done, too_long };
  State add(std::byte next);
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
  unsigned shift_ = 0;
};

class Reader {
 public:
  explicit Reader(Bytes message) : rest_(message) {}

  // The next field, or nothing at the end.
  //
  // Errors: corrupt  a field runs past the end, or has a number or type that does not exist
  Result<std::optional<Field>> next();

 private:
  Result<uint64_t> varint();
  Result<Bytes> take(uint64_t size_bytes);

  Bytes rest_;
};

// Appends fields. Zero and empty values are left out, as proto3 does.
class Writer {
 public:
  Writer& number(uint32_t field, uint64_t value);
  Writer& bytes(uint32_t field, std::string_view value);
  // A nested message, or one entry of a repeated field: written even when empty.
  Writer& message(uint32_t field, std::string_view encoded);

  const std::string& text() const { return out_; }

 private:
  void varint(uint64_t value);

  std::string out_;
};

}  // namespace snap::wire
