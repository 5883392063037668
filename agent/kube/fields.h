// Fields of an object of the API, where anything may be missing or null. Private to this room.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/names.h"

namespace snap::kube {

inline const nlohmann::json& field(const nlohmann::json& object, const char* key,
                                   nlohmann::json::value_t type) {
  static const nlohmann::json kMap = nlohmann::json::object();
  static const nlohmann::json kList = nlohmann::json::array();
  if (object.is_object()) {
    auto found = object.find(key);
    if (found != object.end() && found->type() == type) return *found;
  }
  return type == nlohmann::json::value_t::object ? kMap : kList;
}

// Empty where there is none of this type.
inline const nlohmann::json& map_in(const nlohmann::json& object, const char* key) {
  return field(object, key, nlohmann::json::value_t::object);
}
inline const nlohmann::json& list_in(const nlohmann::json& object, const char* key) {
  return field(object, key, nlohmann::json::value_t::array);
}
inline std::string text_in(const nlohmann::json& object, const char* key) {
  auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}
inline bool flag_in(const nlohmann::json& object, const char* key) {
  auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

inline bool is_object_name(std::string_view name) { return is_dns_name(name, 253); }

}  // namespace snap::kube
