#include "sets/strict_json.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace snap::sets {
namespace {

using nlohmann::json;

// Builds the document from the parser's events.
class Builder {
 public:
  explicit Builder(size_t max_depth) : max_depth_(max_depth) {}

  bool null() { return add(nullptr); }
  bool boolean(bool) { return add(JsonValue::Other()); }
  bool number_integer(json::number_integer_t) { return add(JsonValue::Other()); }
  bool number_unsigned(json::number_unsigned_t value) { return add(uint64_t{value}); }
  bool number_float(json::number_float_t, const std::string&) { return add(JsonValue::Other()); }
  bool string(std::string& value) { return add(std::move(value)); }
  // The parser's interface wants it; JSON as text has no such values.
  bool binary(json::binary_t&) { return false; }
  bool start_object(size_t) { return enter(JsonValue::Object()); }
  bool start_array(size_t) { return enter(JsonValue::List()); }

  bool key(std::string& name) {
    std::get<JsonValue::Object>(open_.back()->held).members.emplace_back().key = std::move(name);
    return true;
  }

  bool end_object() {
    auto& members = std::get<JsonValue::Object>(open_.back()->held).members;
    std::ranges::sort(members, {}, &JsonValue::key);
    auto twice = std::ranges::adjacent_find(members, {}, &JsonValue::key);
    if (twice != members.end())
      return refuse(std::format("key '{}' stands twice", escaped(twice->key.substr(0, 80))));
    return end_array();
  }

  bool end_array() {
    open_.pop_back();
    return true;
  }

  bool parse_error(size_t position, const std::string&, const json::exception&) {
    return refuse(std::format("no JSON at byte {}", position));
  }

  JsonValue take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

 private:
  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  // Where the next value goes. A container stays where it is while it is open: only its innermost
  // child grows.
  JsonValue& place() {
    if (open_.empty()) return root_;
    auto& container = open_.back()->held;
    if (auto* object = std::get_if<JsonValue::Object>(&container)) return object->members.back();
    return std::get<JsonValue::List>(container).items.emplace_back();
  }

  bool add(auto value) {
    place().held = std::move(value);
    return true;
  }

  bool enter(auto container) {
    if (open_.size() == max_depth_) return refuse(std::format("deeper than {} levels", max_depth_));
    auto& value = place();
    value.held = std::move(container);
    open_.push_back(&value);
    return true;
  }

  size_t max_depth_;
  JsonValue root_;
  std::vector<JsonValue*> open_;
  std::string problem_;
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  const auto* object = as<Object>();
  if (!object) return nullptr;
  auto found = std::ranges::lower_bound(object->members, name, {}, &JsonValue::key);
  return found != object->members.end() && found->key == name ? &*found : nullptr;
}

Result<JsonValue> parse_strict(std::string_view text, size_t max_depth) {
  // The library skips a byte order mark and takes NUL for the end of the text.
  if (text.starts_with("\xef\xbb\xbf")) return fail(Code::corrupt, "begins with a byte order mark");
  if (auto at = text.find('\0'); at != text.npos) {
    return fail(Code::corrupt, std::format("NUL at byte {}", at));
  }
  Builder builder(max_depth);
  if (!json::sax_parse(text.begin(), text.end(), &builder)) {
    return fail(Code::corrupt, builder.problem());
  }
  return builder.take();
}

}  // namespace snap::sets
