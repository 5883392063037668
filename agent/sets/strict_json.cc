#include "sets/strict_json.h"

#include <format>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"

namespace snap::sets {
namespace {

using nlohmann::json;

// Builds the document from the parser's events. nlohmann::json itself keeps the last of repeated
// keys and takes any depth.
class Builder {
 public:
  explicit Builder(size_t max_depth) : max_depth_(max_depth) {}

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(json::number_integer_t value) { return add(value); }
  bool number_unsigned(json::number_unsigned_t value) { return add(value); }
  bool number_float(json::number_float_t value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(json::binary_t&) { return refuse("binary data"); }
  bool start_object(size_t) { return enter(json::object()); }
  bool start_array(size_t) { return enter(json::array()); }
  bool end_object() { return leave(); }
  bool end_array() { return leave(); }

  bool key(std::string& name) {
    auto [place, is_new] = open_.back()->emplace(name, nullptr);
    if (!is_new) return refuse(std::format("key '{}' stands twice", escaped(name.substr(0, 80))));
    member_ = &*place;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const json::exception&) {
    return refuse(std::format("no JSON at byte {}", position));
  }

  json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

 private:
  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  json* place(json&& value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_object()) return &(*member_ = std::move(value));
    open_.back()->push_back(std::move(value));
    return &open_.back()->back();
  }

  bool add(json&& value) {
    place(std::move(value));
    return true;
  }

  bool enter(json&& container) {
    if (open_.size() == max_depth_) return refuse(std::format("deeper than {} levels", max_depth_));
    // A container stays where it is while it is open: only its innermost child grows.
    open_.push_back(place(std::move(container)));
    return true;
  }

  bool leave() {
    open_.pop_back();
    return true;
  }

  size_t max_depth_;
  json root_;
  std::vector<json*> open_;
  json* member_ = nullptr;  // where the value of the key that was just read goes
  std::string problem_;
};

}  // namespace

Result<json> parse_strict(std::string_view text, size_t max_depth) {
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
