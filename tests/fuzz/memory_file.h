// A file in memory that holds what it is told to, again and again.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string_view>

#include "base/file.h"
#include "fuzz/target.h"

namespace snap::fuzz {

class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("input", MFD_CLOEXEC)) {}
  const Fd& holding(std::string_view content) {
    require(::ftruncate(fd_.get(), 0) == 0);
    require(::pwrite(fd_.get(), content.data(), content.size(), 0) ==
            static_cast<ssize_t>(content.size()));
    return fd_;
  }

 private:
  Fd fd_;
};

}  // namespace snap::fuzz
