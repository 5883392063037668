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

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t by_instruction(uint32_t state, const std::byte* data,
                                                          size_t size) {
  uint64_t wide = state;
  for (; size >= 8; data += 8, size -= 8) wide = _mm_crc32_u64(wide, load_le<uint64_t>(data));
  auto narrow = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size) narrow = _mm_crc32_u8(narrow, std::to_integer<uint8_t>(*data));
  return narrow;
}
bool has_instruction() { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__)
__attribute__((target("+crc"))) uint32_t by_instruction(uint32_t state, const std::byte* data,
                                                        size_t size) {
  for (; size >= 8; data += 8, size -= 8) state = __crc32cd(state, load_le<uint64_t>(data));
  for (; size > 0; ++data, --size) state = __crc32cb(state, std::to_integer<uint8_t>(*data));
  return state;
}
bool has_instruction() { return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; }
#else
uint32_t by_instruction(uint32_t state, const std::byte* data, size_t size) {
  return by_table(state, data, size);
}
bool has_instruction() { return false; }
#endif

// Polynomials modulo the CRC's, reflected: the coefficient of x^0 is the highest bit.
uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (int bit = 31; bit >= 0; --bit) {
    if ((a >> bit) & 1) product ^= b;
    b = (b >> 1) ^ ((b & 1) ? kPolynomial : 0);
  }
  return product;
}

}  // namespace

uint32_t crc32c(uint32_t crc, Bytes data) {
  static const bool kFast = has_instruction();
  auto state = kFast ? by_instruction(~crc, data.data(), data.size())
                     : by_table(~crc, data.data(), data.size());
  return ~state;
}

uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t size_b_bytes) {
  uint32_t shift = 1U << 31;  // x^0
  uint32_t power = 1U << 23;  // x^8: one byte
  for (; size_b_bytes != 0; size_b_bytes >>= 1) {
    if (size_b_bytes & 1) shift = multiply(shift, power);
    power = multiply(power, power);
  }
  return multiply(shift, crc_a) ^ crc_b;
}

}  // namespace snap
