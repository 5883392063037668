#include "snapshot/json_object.h"

#include <charconv>

namespace snap::snapshot {
namespace {

constexpr int kMaxDepth = 32;

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  std::optional<JsonObject> whole() {
    JsonObject found;
    skip_blanks();
    if (!rest_.starts_with('{') || !object(0, &found)) return std::nullopt;
    skip_blanks();
    return rest_.empty() ? std::optional(found) : std::nullopt;
  }

 private:
  void skip_blanks() {
    auto at = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(at == rest_.npos ? rest_.size() : at);
  }

  // Takes one character, blanks before it left out.
  bool take(char c) {
    skip_blanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool string(std::string_view* content = nullptr) {
    if (!take('"')) return false;
    for (size_t i = 0; i < rest_.size(); ++i) {
      if (static_cast<unsigned char>(rest_[i]) < 0x20) return false;
      if (rest_[i] == '\\') {
        ++i;
      } else if (rest_[i] == '"') {
        if (content) *content = rest_.substr(0, i);
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  bool number(JsonObject* id_of) {
    auto size = rest_.find_first_not_of("0123456789+-.eE");
    auto text = rest_.substr(0, size);
    double ignored = 0;
    const auto* end = std::from_chars(text.data(), text.data() + text.size(), ignored).ptr;
    // One that no double holds is a number, too. What is none ends at its beginning.
    if (text.empty() || text.ends_with('.') || end != text.data() + text.size()) return false;
    uint64_t id = 0;
    auto [id_end, id_error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (id_of && id_error == std::errc() && id_end == end) id_of->id = id;
    rest_.remove_prefix(text.size());
    return true;
  }

  bool object(int depth, JsonObject* found) {
    if (depth > kMaxDepth || !take('{')) return false;
    if (take('}')) return true;
    do {
      std::string_view name;
      if (!string(&name) || !take(':') || !value(depth, name == "id" ? found : nullptr))
        return false;
    } while (take(','));
    return take('}');
  }

  bool array(int depth) {
    if (depth > kMaxDepth || !take('[')) return false;
    if (take(']')) return true;
    do {
      if (!value(depth, nullptr)) return false;
    } while (take(','));
    return take(']');
  }

  bool value(int depth, JsonObject* id_of) {
    skip_blanks();
    for (std::string_view word : {"true", "false", "null"}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return true;
    }
    if (rest_.starts_with('{')) return object(depth + 1, nullptr);
    if (rest_.starts_with('[')) return array(depth + 1);
    if (rest_.starts_with('"')) return string();
    return number(id_of);
  }

  std::string_view rest_;
};

}  // namespace

std::optional<JsonObject> read_json_object(std::string_view text) { return Scanner(text).whole(); }

}  // namespace snap::snapshot
