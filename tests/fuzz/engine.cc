// One target under libFuzzer. SNAP_FUZZ_SEEDS=DIRECTORY: the seeds are written there first.
#include <cstddef>
#include <cstdint>
#include <fstream>

#include "fuzz/target.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* directory = std::getenv("SNAP_FUZZ_SEEDS");
  if (directory == nullptr) return 0;
  int number = 0;
  for (const auto& seed : snap::fuzz::SNAP_FUZZ_TARGET().seeds()) {
    std::ofstream file(std::string(directory) + "/seed-" + std::to_string(number++),
                       std::ios::binary);
    file << seed;
    snap::fuzz::require(bool(file.flush()));
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto target = snap::fuzz::SNAP_FUZZ_TARGET();
  target.run({reinterpret_cast<const char*>(data), size});
  return 0;
}
