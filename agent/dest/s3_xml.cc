#include "dest/s3_xml.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <format>
#include <optional>

#include "base/text.h"

namespace snap::dest {
namespace {

constexpr size_t kMaxDepth = 16;
constexpr size_t kMaxElements = 100'000;
constexpr size_t kMaxNameBytes = 128;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == ':';
}

void append_utf8(std::string& out, uint32_t c) {
  auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | (c >> shift & 0x3FU)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0U | c >> 6U);
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0U | c >> 12U);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | c >> 18U);
    tail(12);
    tail(6);
    tail(0);
  }
}

// The character of "amp", "#38" or "#x26".
std::optional<std::string> entity(std::string_view name) {
  constexpr std::pair<std::string_view, char> kNamed[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& [known, c] : kNamed)
    if (name == known) return std::string(1, c);
  if (!name.starts_with('#')) return {};
  name.remove_prefix(1);
  int base = name.starts_with('x') ? 16 : 10;
  if (base == 16) name.remove_prefix(1);
  uint32_t value = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value, base);
  bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (error != std::errc() || end != name.data() + name.size() || value == 0 || surrogate ||
      value > 0x10FFFF)
    return {};
  std::string out;
  append_utf8(out, value);
  return out;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Result<Element> document() {
    blanks();
    if (rest_.starts_with("<?xml")) {
      auto end = rest_.find("?>");
      if (end == rest_.npos || end > 256) return bad("an endless declaration");
      rest_.remove_prefix(end + 2);
    }
    blanks();
    auto root = TRY(element(0));
    blanks();
    if (!rest_.empty()) return bad("text behind its end");
    return root;
  }

 private:
  static std::unexpected<Error> bad(std::string_view what) {
    return fail(Code::corrupt, std::format("the answer is no sound XML: {}", what));
  }

  void blanks() {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }

  bool take(std::string_view wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }

  Result<std::string_view> name() {
    size_t n = 0;
    while (n < rest_.size() && is_name_character(rest_[n])) ++n;
    if (n == 0 || n > kMaxNameBytes) return bad("no name where one must be");
    auto found = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return found;
  }

  // They say nothing that counts here.
  Result<void> attributes() {
    while (true) {
      blanks();
      if (rest_.empty()) return bad("it is cut");
      if (rest_.front() == '>' || rest_.front() == '/') return {};
      TRY(name());
      blanks();
      if (!take("=")) return bad("an attribute without a value");
      blanks();
      auto quote = rest_.empty() ? '\0' : rest_.front();
      auto end = quote == '"' || quote == '\'' ? rest_.find(quote, 1) : rest_.npos;
      if (end == rest_.npos) return bad("an attribute without a value");
      rest_.remove_prefix(end + 1);
    }
  }

  Result<void> text(std::string& into) {
    while (!rest_.empty() && rest_.front() != '<') {
      auto plain = std::min(rest_.find_first_of("<&"), rest_.size());
      for (char c : rest_.substr(0, plain)) {
        if (static_cast<unsigned char>(c) < 0x20 && !is_blank(c)) return bad("a control character");
      }
      into += rest_.substr(0, plain);
      rest_.remove_prefix(plain);
      if (!take("&")) continue;
      auto end = rest_.substr(0, 12).find(';');
      auto c = end == rest_.npos ? std::nullopt : entity(rest_.substr(0, end));
      if (!c) return bad("an entity that is not allowed");
      into += *c;
      rest_.remove_prefix(end + 1);
    }
    return {};
  }

  Result<Element> element(size_t depth) {
    if (depth > kMaxDepth) return bad("it is too deep");
    if (++elements_ > kMaxElements) return bad("it has too many elements");
    if (!take("<"))
      return bad(rest_.empty() ? "it is empty or cut" : "text where an element must be");
    auto tag = TRY(name());
    Element out;
    out.name = tag.substr(tag.rfind(':') + 1);
    TRY(attributes());
    if (take("/>")) return out;
    if (!take(">")) return bad("a tag without an end");
    while (true) {
      TRY(text(out.text));
      if (rest_.empty()) return bad("it is cut");
      if (take("</")) break;
      out.children.push_back(TRY(element(depth + 1)));
    }
    auto end = TRY(name());
    blanks();
    if (end != tag || !take(">")) return bad("a tag that ends another one");
    return out;
  }

  std::string_view rest_;
  size_t elements_ = 0;
};

}  // namespace

const Element* Element::child(std::string_view wanted) const {
  auto found = std::ranges::find(children, wanted, &Element::name);
  return found == children.end() ? nullptr : &*found;
}

std::string_view Element::text_of(std::string_view wanted) const {
  const auto* found = child(wanted);
  return found ? std::string_view(found->text) : std::string_view();
}

Result<Element> parse_xml(std::string_view text) { return Parser(text).document(); }

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace snap::dest
