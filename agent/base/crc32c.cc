#include "base/crc32c.h"

#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif
#if defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace snap {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // reflected

constexpr auto kTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? kPolynomial : 0);
    table[i] = value;
  }
  return table;
}();

uint32_t by_table(uint32_t state, const std::byte* data, size_t size) {
  for (size_t i = 0; i < size; ++i)
    state = kTable[(state ^ std::to_integer<uint32_t>(data[i])) & 0xFF] ^ (state >> 8);
  return state;
}

// Polynomials modulo the CRC's, reflected: the coefficient of x^0 is the highest bit.
constexpr uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (int bit = 31; bit >= 0; --bit) {
    if ((a >> bit) & 1) product ^= b;
    b = (b >> 1) ^ ((b & 1) ? kPolynomial : 0);
  }
  return product;
}

// Multiplying by this is what `size_bytes` zero bytes do to a state.
constexpr uint32_t zeros(uint64_t size_bytes) {
  uint32_t shift = 1U << 31;  // x^0
  uint32_t power = 1U << 23;  // x^8: one byte
  for (; size_bytes != 0; size_bytes >>= 1) {
    if (size_bytes & 1) shift = multiply(shift, power);
    power = multiply(power, power);
  }
  return shift;
}

#if defined(__x86_64__) || defined(__aarch64__)
// What Size zero bytes do to a state, looked up byte by byte.
template <size_t Size>
uint32_t after_zeros(uint32_t state) {
  static constexpr auto kTables = [] {
    std::array<std::array<uint32_t, 256>, 4> tables{};
    constexpr auto kShift = zeros(Size);
    for (uint32_t place = 0; place < 4; ++place)
      for (uint32_t byte = 0; byte < 256; ++byte)
        tables[place][byte] = multiply(kShift, byte << (8 * place));
    return tables;
  }();
  return kTables[0][state & 0xFF] ^ kTables[1][(state >> 8) & 0xFF] ^
         kTables[2][(state >> 16) & 0xFF] ^ kTables[3][state >> 24];
}
#endif

#if defined(__x86_64__)
#define SNAP_CRC_TARGET __attribute__((target("sse4.2")))
SNAP_CRC_TARGET inline uint32_t step8(uint32_t state, const std::byte* data) {
  return static_cast<uint32_t>(_mm_crc32_u64(state, load_le<uint64_t>(data)));
}
SNAP_CRC_TARGET inline uint32_t step1(uint32_t state, std::byte byte) {
  return _mm_crc32_u8(state, std::to_integer<uint8_t>(byte));
}
bool has_instruction() { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__)
#define SNAP_CRC_TARGET __attribute__((target("+crc")))
SNAP_CRC_TARGET inline uint32_t step8(uint32_t state, const std::byte* data) {
  return __crc32cd(state, load_le<uint64_t>(data));
}
SNAP_CRC_TARGET inline uint32_t step1(uint32_t state, std::byte byte) {
  return __crc32cb(state, std::to_integer<uint8_t>(byte));
}
bool has_instruction() { return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; }
#endif

#if defined(SNAP_CRC_TARGET)
// The instruction gives its result after three cycles but starts every cycle: three lanes at once
// are three times as fast, and joining them costs two lookups. Advances past whole blocks.
template <size_t Lane>
SNAP_CRC_TARGET uint32_t three_lanes(uint32_t state, const std::byte*& data, size_t& size) {
  for (; size >= 3 * Lane; data += 3 * Lane, size -= 3 * Lane) {
    uint32_t second = 0, third = 0;
    for (size_t i = 0; i < Lane; i += 8) {
      state = step8(state, data + i);
      second = step8(second, data + Lane + i);
      third = step8(third, data + 2 * Lane + i);
    }
    state = after_zeros<Lane>(after_zeros<Lane>(state) ^ second) ^ third;
  }
  return state;
}

SNAP_CRC_TARGET uint32_t by_instruction(uint32_t state, const std::byte* data, size_t size) {
  state = three_lanes<1024>(state, data, size);
  state = three_lanes<128>(state, data, size);
  for (; size >= 8; data += 8, size -= 8) state = step8(state, data);
  for (; size > 0; ++data, --size) state = step1(state, *data);
  return state;
}
#else
uint32_t by_instruction(uint32_t state, const std::byte* data, size_t size) {
  return by_table(state, data, size);
}
bool has_instruction() { return false; }
#endif

}  // namespace

uint32_t crc32c(uint32_t crc, Bytes data) {
  static const bool kFast = has_instruction();
  auto state = kFast ? by_instruction(~crc, data.data(), data.size())
                     : by_table(~crc, data.data(), data.size());
  return ~state;
}

uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t size_b_bytes) {
  return multiply(zeros(size_b_bytes), crc_a) ^ crc_b;
}

}  // namespace snap
