#include "wire/protobuf.h"

namespace snap::wire {
namespace {

constexpr unsigned kVarintBits = 64;

}  // namespace

Varint::State Varint::add(std::byte next) {
  auto bits = static_cast<uint64_t>(next & std::byte{0x7f});
  if (shift_ >= kVarintBits || (shift_ == 63 && bits > 1)) return State::too_long;
  value_ |= bits << shift_;
  shift_ += 7;
  return (next & std::byte{0x80}) != std::byte{0} ? State::more : State::done;
}

Result<uint64_t> Reader::varint() {
  Varint varint;
  while (!rest_.empty()) {
    auto state = varint.add(rest_.front());
    rest_ = rest_.subspan(1);
    if (state == Varint::State::done) return varint.value();
    if (state == Varint::State::too_long) return fail(Code::corrupt, "a number is too long");
  }
  return fail(Code::corrupt, "the message ends inside a number");
}

Result<Bytes> Reader::take(uint64_t size_bytes) {
  if (size_bytes > rest_.size()) return fail(Code::corrupt, "a field runs past the message's end");
  auto taken = rest_.first(size_bytes);
  rest_ = rest_.subspan(size_bytes);
  return taken;
}

Result<std::optional<Field>> Reader::next() {
  if (rest_.empty()) return std::optional<Field>();
  auto tag = Tag(TRY(varint()));
  if (!tag.valid()) return fail(Code::corrupt, "a field of an unknown kind");
  Field field;
  field.number = static_cast<uint32_t>(tag.number);
  field.type = static_cast<WireType>(tag.type);
  switch (field.type) {
    case WireType::varint: field.value = TRY(varint()); break;
    case WireType::fixed64: field.value = load_le<uint64_t>(TRY(take(8)).data()); break;
    case WireType::fixed32: field.value = load_le<uint32_t>(TRY(take(4)).data()); break;
    case WireType::bytes: {
      auto size_bytes = TRY(varint());
      field.bytes = TRY(take(size_bytes));
      break;
    }
  }
  return std::optional(field);
}

void Writer::varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out_.push_back(static_cast<char>(value));
}

Writer& Writer::number(uint32_t field, uint64_t value) {
  if (value == 0) return *this;
  varint(uint64_t{field} << 3);
  varint(value);
  return *this;
}

Writer& Writer::bytes(uint32_t field, std::string_view value) {
  return value.empty() ? *this : message(field, value);
}

Writer& Writer::message(uint32_t field, std::string_view encoded) {
  varint(uint64_t{field} << 3 | 2);
  varint(encoded.size());
  out_.append(encoded);
  return *this;
}

}  // namespace snap::wire
