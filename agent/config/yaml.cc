#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <format>
#include <sstream>

#include "base/text.h"

namespace snap::config {
namespace {

constexpr size_t kMaxDepth = 16;
constexpr size_t kMaxNodes = 10'000;
constexpr size_t kShownKey = 60;  // characters of a key in a message

// Leaves yaml-cpp at the first thing that we refuse; never leaves read_yaml().
struct Refused {
  int line;
  std::string message;
  std::string hint;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  Node take() && { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(node(mark, "", anchor, Node::Kind::null));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto scalar = node(mark, tag, anchor, Node::Kind::scalar);
    scalar.text = value;
    add(std::move(scalar));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(node(mark, tag, anchor, Node::Kind::list));
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(node(mark, tag, anchor, Node::Kind::map));
  }
  void OnMapEnd() override { close(); }

 private:
  [[noreturn]] static void refuse_anchor(const YAML::Mark& mark) {
    throw Refused{mark.line + 1, "anchors and aliases (& and *) are not supported",
                  "write the value out; quote a text that begins with & or *"};
  }

  Node node(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            Node::Kind kind) {
    if (anchor != 0) refuse_anchor(mark);
    // "?" is a plain value, "!" a quoted one.
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Refused{mark.line + 1, "tags (!) are not supported",
                    "quote a text that begins with an exclamation mark"};
    if (++nodes_ > kMaxNodes)
      throw Refused{mark.line + 1, std::format("more than {} values", kMaxNodes), ""};
    return {.kind = kind, .line = mark.line + 1, .text = {}, .items = {}, .keys = {}};
  }

  void open(Node container) {
    if (!open_.empty() && expects_key()) refuse_key(container.line);
    if (open_.size() >= kMaxDepth)
      throw Refused{container.line, std::format("nested deeper than {} levels", kMaxDepth), ""};
    open_.push_back(std::move(container));
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done));
  }

  void add(Node value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (expects_key()) {
      add_key(value);
    } else {
      open_.back().items.push_back(std::move(value));
    }
  }

  bool expects_key() const {
    const auto& parent = open_.back();
    return parent.kind == Node::Kind::map && parent.keys.size() == parent.items.size();
  }

  [[noreturn]] static void refuse_key(int line) { throw Refused{line, "a key must be a text", ""}; }

  void add_key(const Node& key) {
    if (key.kind != Node::Kind::scalar) refuse_key(key.line);
    auto& parent = open_.back();
    auto same = std::ranges::find(parent.keys, key.text, &Node::Key::text);
    if (same != parent.keys.end())
      throw Refused{key.line,
                    std::format("key {} is there twice, first in line {}",
                                escaped(key.text.substr(0, kShownKey)), same->line),
                    "remove one of the two"};
    parent.keys.push_back({key.text, key.line});
  }

  Node root_;
  std::vector<Node> open_;
  size_t nodes_ = 0;
};

// What yaml-cpp would read as something else than a person sees, or not report by line.
Result<void> check_text(std::string_view text, std::string_view file) {
  if (text.size() > kMaxFileBytes)
    return fail(Code::invalid, std::format("{}: larger than 256 KiB", file),
                "this is not a configuration file");
  if (text.starts_with("\xEF\xBB\xBF"))
    return fail(Code::invalid, at_line(file, 1) + "begins with a byte order mark",
                "save the file as UTF-8 without one");
  // The text of JSON may be indented by tabs, as the blocks of YAML may not.
  bool braces = trim(text).starts_with('{');
  int number = 0;
  for (const auto& line : split(text, '\n')) {
    ++number;
    std::string plain = line;
    std::erase_if(plain, [](char c) { return c == '\\' || c == '\t' || c == '\r'; });
    if (escaped(plain) != plain)
      return fail(Code::invalid, at_line(file, number) + "holds bytes that are no UTF-8 text",
                  "save the file as UTF-8");
    auto indent = std::string_view(line).substr(0, line.find_first_not_of(" \t"));
    bool blank = trim(line).empty() || trim(line).starts_with('#');
    if (!braces && !blank && indent.contains('\t'))
      return fail(Code::invalid, at_line(file, number) + "indented by a tab",
                  "YAML wants spaces there");
  }
  return {};
}

// What yaml-cpp means, for somebody who does not know YAML's grammar. Its texts: yaml-cpp
// 0.8:include/yaml-cpp/exceptions.h.
Error plain_words(std::string_view said) {
  struct Row {
    std::string_view part, message, hint;
  };
  static constexpr Row kRows[] = {
      {"end of sequence flow", "a list in [ ] is not closed", "add the ] that is missing"},
      {"end of map flow", "a section in { } is not closed", "add the } that is missing"},
      {"illegal flow end", "a closing ] or } without its opening one",
       "remove it, or quote the text"},
      {"illegal map value", "a colon where no key may stand",
       "quote a text that holds \": \", and look at the line above"},
      {"end of map", "the indentation does not fit the lines above",
       "indent the keys of a section alike"},
      {"end of sequence", "the indentation does not fit the list above",
       "indent the items of a list alike"},
      {"illegal map key", "a key where none may stand", "indent the keys of a section alike"},
      {"block entry", "an item of a list where none may stand",
       "begin each item on a line of its own, below its key"},
      {"EOF in scalar", "a quote is not closed", "add the quote that is missing"},
      {"escape character", "an unknown escape after a backslash",
       "use single quotes, where a backslash is just one"},
      {"tab", "indented by a tab", "YAML wants spaces there"}};
  for (const auto& row : kRows) {
    if (said.contains(row.part))
      return {Code::invalid, std::string(row.message), std::string(row.hint)};
  }
  return {Code::invalid, "this is no YAML: " + escaped(said),
          "look at quotes and indentation here"};
}

}  // namespace

std::string at_line(std::string_view file, int line) { return std::format("{}:{}: ", file, line); }

Result<Node> read_yaml(std::string_view text, std::string_view file) {
  TRY(check_text(text, file));
  TreeBuilder builder;
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder))
      return fail(Code::invalid, std::format("{}: is empty", file));
    TreeBuilder second;
    if (parser.HandleNextDocument(second))
      return fail(Code::invalid, std::format("{}: holds more than one document", file),
                  "remove the --- between them");
  } catch (const Refused& refused) {
    return fail(Code::invalid, at_line(file, refused.line) + refused.message, refused.hint);
  } catch (const YAML::Exception& error) {
    auto told = plain_words(error.msg);
    return fail(Code::invalid, at_line(file, error.mark.line + 1) + told.message, told.hint);
  }
  auto root = std::move(builder).take();
  if (root.kind == Node::Kind::null) return fail(Code::invalid, std::format("{}: is empty", file));
  return root;
}

}  // namespace snap::config
