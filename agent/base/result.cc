#include "base/result.h"

namespace snap {

std::string_view name_of(Code code) {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::not_found: return "not_found";
    case Code::exists: return "exists";
    case Code::denied: return "denied";
    case Code::unavailable: return "unavailable";
    case Code::busy: return "busy";
    case Code::timeout: return "timeout";
    case Code::no_space: return "no_space";
    case Code::corrupt: return "corrupt";
    case Code::cancelled: return "cancelled";
    case Code::internal: return "internal";
  }
  return "internal";
}

std::string describe(const Error& error) {
  return error.hint.empty() ? error.message : error.message + " (" + error.hint + ")";
}

}  // namespace snap
