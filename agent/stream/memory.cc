#include "stream/memory.h"

#include <array>
#include <format>

namespace snap::stream {

Result<std::string> read_all(Source& source, uint64_t max_bytes) {
  std::string content;
  std::array<std::byte, 16384> chunk;
  while (true) {
    auto n = TRY(source.read(chunk));
    if (n == 0) return content;
    content += as_text(std::span(chunk).first(n));
    if (content.size() > max_bytes)
      return fail(Code::invalid, std::format("larger than {} bytes", max_bytes));
  }
}

}  // namespace snap::stream
