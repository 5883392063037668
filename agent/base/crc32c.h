// CRC-32C (Castagnoli), the checksum of etcd's snapshot status, HashKV, WAL and .snap files.
//
// Runs on the processor's own instruction where there is one. Vector: crc32c of "123456789" is
// e3069283.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace snap {

// Continues `crc`, the checksum of the bytes so far (0 for none), over `data`.
uint32_t crc32c(uint32_t crc, Bytes data);

// The checksum of A followed by B, out of the checksums of both and the length of B.
uint32_t crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t size_b_bytes);

}  // namespace snap
