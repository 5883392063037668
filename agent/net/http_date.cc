#include "net/http_date.h"

#include <chrono>
#include <locale>
#include <sstream>
#include <string>

namespace snap::net {

std::optional<Seconds> from_http_date(std::string_view text) {
  std::istringstream in{std::string(text)};
  in.imbue(std::locale::classic());
  Seconds at;
  in >> std::chrono::parse("%a, %d %b %Y %H:%M:%S GMT", at);
  return in ? std::optional(at) : std::nullopt;
}

}  // namespace snap::net
