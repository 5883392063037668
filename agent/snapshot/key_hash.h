// A hash of user keys that tells them apart. Private to the room.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace snap::snapshot {

// Two of these with different seeds make 128 bits: among a billion keys, two are taken for one with
// a chance of about 1 in 10^21.
uint64_t key_hash(Bytes key, uint64_t seed);

inline constexpr uint64_t kHighSeed = 0x9e3779b97f4a7c15;
inline constexpr uint64_t kLowSeed = 0xc2b2ae3d27d4eb4f;

}  // namespace snap::snapshot
