#include "snapshot/key_hash.h"

namespace snap::snapshot {
namespace {

// MurmurHash3's finalizer (public domain): every bit of the input reaches every bit of the output.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 33);
}

}  // namespace

uint64_t key_hash(Bytes key, uint64_t seed) {
  auto state = mix(seed + key.size());
  for (; key.size() >= 8; key = key.subspan(8)) state = mix(state ^ load_le<uint64_t>(key.data()));
  uint64_t rest = 0;
  if (!key.empty()) std::memcpy(&rest, key.data(), key.size());
  return mix(state + rest);
}

}  // namespace snap::snapshot
