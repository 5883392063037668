// The loops that every byte of a snapshot goes through, each alone, in bytes per second: what the
// frames, the proof and the status hash cost. Run: build/release/bench/bench_loops
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "base/crc32c.h"
#include "etcd/snapshot_decoder.h"
#include "snapshot/trailer.h"
#include "wire/grpc.h"
#include "wire/protobuf.h"

namespace snap {
namespace {

constexpr size_t kBlobBytes = 32 << 10;  // of one message of etcd
constexpr size_t kBlobs = 256;
constexpr size_t kReceiveBytes = 128 << 10;  // what libcurl hands over at once

void processed(benchmark::State& state, size_t bytes_each) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes_each));
}

// A snapshot stream as etcd sends it.
std::string stream() {
  std::string body;
  for (size_t i = 0; i < kBlobs; ++i) {
    std::string blob(kBlobBytes, static_cast<char>(i));
    auto remaining = (kBlobs - 1 - i) * kBlobBytes;
    body += wire::frame(wire::Writer().number(2, remaining).bytes(3, blob).text());
  }
  return body;
}

void decode_frames(benchmark::State& state) {
  class Nowhere : public etcd::SnapshotDecoder::Out {
   public:
    void take(Bytes bytes) override { benchmark::DoNotOptimize(bytes.data()); }
  };
  auto body = stream();
  for (auto _ : state) {
    etcd::SnapshotDecoder decoder;
    Nowhere out;
    for (auto rest = as_bytes(body); !rest.empty();) {
      auto size = std::min(rest.size(), kReceiveBytes);
      if (!decoder.feed(rest.first(size), out)) return state.SkipWithError("the stream is refused");
      rest = rest.subspan(size);
    }
  }
  processed(state, body.size());
}
BENCHMARK(decode_frames);

void hash_trailer(benchmark::State& state) {
  std::string buffer(512 << 10, 'x');
  snapshot::TrailerDigest digest;
  for (auto _ : state) digest.update(as_bytes(buffer));
  processed(state, buffer.size());
}
BENCHMARK(hash_trailer);

// A leaf of bbolt is hashed at once: 4 KiB as a rule, more with large values.
void hash_pairs(benchmark::State& state) {
  std::string leaf(static_cast<size_t>(state.range(0)), 'x');
  uint32_t crc = 0;
  for (auto _ : state) crc = crc32c(crc, as_bytes(leaf));
  benchmark::DoNotOptimize(crc);
  processed(state, leaf.size());
}
BENCHMARK(hash_pairs)->Arg(100)->Arg(4 << 10)->Arg(1 << 20);

// Once for each of the 64 parts that the threads walk.
void combine_hashes(benchmark::State& state) {
  uint32_t crc = 1;
  for (auto _ : state) crc = crc32c_combine(crc, 2, uint64_t{1} << 24);
  benchmark::DoNotOptimize(crc);
}
BENCHMARK(combine_hashes);

}  // namespace
}  // namespace snap
