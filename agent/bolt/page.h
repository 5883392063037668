// Pages of a bbolt file.
//
// A bbolt file is an array of equal pages; page N starts at byte N * page size, and the page size
// is that of the host which created the file. A node (branch or leaf) starts with a page header and
// may run on over the pages behind it, which have no header. Only little-endian files are read.
// Keys and values are plain bytes here: this room knows nothing of etcd.
// Format: etcd-io/bbolt@v1.4.3:internal/common/{page,meta,bucket,inode}.go.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "base/bytes.h"

namespace snap::bolt {

inline constexpr size_t kPageHeaderBytes = 16;
inline constexpr size_t kElementBytes = 16;
inline constexpr size_t kMetaBytes = 64;  // the body, behind the page header
inline constexpr size_t kMaxKeyBytes = 32768;
inline constexpr uint32_t kMinPageBytes = 512;
inline constexpr uint32_t kMaxPageBytes = 65536;
inline constexpr uint64_t kNoFreelist = ~uint64_t{0};  // etcd on Linux stores none

enum PageType : uint16_t { kBranch = 0x01, kLeaf = 0x02, kMeta = 0x04, kFreelist = 0x10 };

struct PageHeader {
  uint64_t id = 0;        // its own index
  uint16_t type = 0;      // exactly one PageType in a sound file
  uint16_t count = 0;     // elements
  uint32_t overflow = 0;  // pages that continue this one

  uint64_t span() const { return uint64_t{1} + overflow; }
};

struct BranchElement {
  uint32_t position = 0;  // of the key, from the start of the element itself
  uint32_t key_bytes = 0;
  uint64_t child = 0;  // page id
};

struct LeafElement {
  uint32_t flags = 0;     // kBucketFlag or none
  uint32_t position = 0;  // of the key, from the start of the element itself; the value follows it
  uint32_t key_bytes = 0;
  uint32_t value_bytes = 0;
};

inline constexpr uint32_t kBucketFlag = 1;

struct Meta {
  uint32_t page_bytes = 0;
  uint64_t root = 0;      // page of the tree that names the buckets
  uint64_t freelist = 0;  // page id, or kNoFreelist
  uint64_t pages = 0;     // high-water mark: ids in use are below
  uint64_t txid = 0;
};

// The caller has checked that the bytes are there.
PageHeader read_page_header(const std::byte* page);
BranchElement read_branch_element(const std::byte* element);
LeafElement read_leaf_element(const std::byte* element);

// The offset of element `index` in its node.
constexpr uint64_t element_at(uint64_t index) { return kPageHeaderBytes + index * kElementBytes; }

// Decodes the body of a meta page (kMetaBytes), or says what is wrong with it.
std::expected<Meta, std::string> read_meta(Bytes body);

// FNV-1a, 64 bits: the checksum of meta pages, over the body but its last 8 bytes.
uint64_t fnv1a64(Bytes data);

}  // namespace snap::bolt
