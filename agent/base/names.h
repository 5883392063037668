// Names of hosts and objects.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace snap {

std::string lower_case(std::string_view text);  // letters of ASCII only, whatever the locale

// 1 to `most` of a-z, 0-9, "." and "-", the first and last a letter or digit: a DNS-1123 subdomain
// as kubernetes/apimachinery:pkg/util/validation/validation.go has it.
bool is_dns_name(std::string_view text, size_t most);

bool is_ipv6(std::string_view text);  // an address without brackets and without a zone

}  // namespace snap
