// Bytes in texts of fewer characters: percent-encoding and base64.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace snap {

// Everything but A-Z a-z 0-9 - . _ ~ and the characters of `also_plain` as %XX. RFC 3986, 2.1.
std::string percent_encoded(std::string_view text, std::string_view also_plain = {});

std::string base64(Bytes bytes);     // RFC 4648, section 4, with padding
std::string base64url(Bytes bytes);  // RFC 4648, section 5, without padding

// The bytes of what base64() made. Line ends and blanks are skipped, padding may be missing.
// Nothing: it is no base64.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace snap
