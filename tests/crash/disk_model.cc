#include "crash/disk_model.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <format>
#include <optional>

#include "base/text.h"
#include "support/agent.h"

namespace snap::crash {
namespace {

namespace fs = std::filesystem;

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// One traced call: its name, the quoted texts and the <paths> of descriptors in their order.
struct Traced {
  std::string call;
  std::vector<std::string> texts, paths, words;
  std::string result_path;
  long result = -1;
};

std::string unhexed(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i, 2) == "\\x" && i + 4 <= text.size()) {
      int value = 0;
      std::from_chars(text.data() + i + 2, text.data() + i + 4, value, 16);
      out += static_cast<char>(value);
      i += 4;
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::optional<Traced> parse(std::string_view line) {
  auto open = line.find('(');
  auto equals = line.rfind(" = ");
  if (open == std::string_view::npos || equals == std::string_view::npos) return {};
  Traced traced{.call = std::string(trim(line.substr(0, open)))};
  auto result = line.substr(equals + 3);
  std::from_chars(result.data(), result.data() + result.size(), traced.result);
  auto path = result.find('<');
  if (path != std::string_view::npos)
    traced.result_path = unhexed(result.substr(path + 1, result.rfind('>') - path - 1));
  auto args = line.substr(open + 1, equals - open - 1);
  std::string word;
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] == '"' || args[i] == '<') {
      auto end = args.find(args[i] == '"' ? '"' : '>', i + 1);
      (args[i] == '"' ? traced.texts : traced.paths)
          .push_back(unhexed(args.substr(i + 1, end - i - 1)));
      i = end;
    } else if (args[i] == ',' || args[i] == ')') {
      traced.words.emplace_back(trim(word));
      word.clear();
    } else {
      word += args[i];
    }
  }
  return traced;
}

// Whole lines of a trace: a call that another thread's came into is put together, where it ended.
std::vector<std::string> whole_lines(const std::string& trace) {
  std::map<std::string, std::string> begun;
  std::vector<std::string> lines;
  for (const auto& line : split(trace, '\n')) {
    auto blank = line.find(' ');
    if (blank == std::string::npos) continue;
    auto thread = line.substr(0, blank);
    auto rest = line.substr(blank + 1);
    auto unfinished = rest.rfind(" <unfinished ...>");
    auto resumed = rest.find(" resumed>");
    if (unfinished != std::string::npos) {
      begun[thread] = rest.substr(0, unfinished);
    } else if (resumed != std::string::npos && rest.contains("<... ")) {
      lines.push_back(begun[thread] + rest.substr(resumed + 9));
    } else {
      lines.push_back(rest);
    }
  }
  return lines;
}

// Turns traced calls into changes below one directory.
class Translation {
 public:
  explicit Translation(std::string directory) : directory_(std::move(directory)) {}

  void take(const Traced& t) {
    if (t.result < 0) return;
    const auto& call = t.call;
    if (call == "openat") return opened(t);
    if (call.starts_with("mkdir")) return add({.kind = DiskCall::make_directory}, target(t, 0));
    if (call.starts_with("unlink")) return add({.kind = DiskCall::remove}, target(t, 0));
    if (call.starts_with("rename")) {
      auto to = below(target(t, 1));
      if (to) add({.kind = DiskCall::rename, .to = *to}, target(t, 0));
      return;
    }
    if (t.paths.empty() || t.words.empty()) return;
    const auto& path = t.paths.front();
    auto& at = offset_[t.words.front()];
    if (call == "fsync" || call == "fdatasync") {
      add({.kind = DiskCall::sync}, path);
    } else if (call == "ftruncate") {
      add({.kind = DiskCall::truncate, .offset = number(t.words.back())}, path);
    } else if (call == "lseek") {
      at = static_cast<uint64_t>(t.result);
    } else if (call == "write") {
      auto bytes = static_cast<uint64_t>(t.result);
      add({.kind = DiskCall::write, .data = t.texts.front().substr(0, bytes), .offset = at}, path);
      at += bytes;
    } else if (call == "pwrite64") {
      add({.kind = DiskCall::write, .data = t.texts.front(), .offset = number(t.words.back())},
          path);
    }
  }

  std::vector<DiskCall> calls;

 private:
  static uint64_t number(std::string_view word) {
    uint64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
  }
  // The path that the nth name of a call means.
  static std::string target(const Traced& t, size_t n) {
    const auto& name = t.texts[n];
    if (name.starts_with('/') || t.paths.size() <= n) return name;
    return t.paths[n] + "/" + name;
  }
  std::optional<std::string> below(const std::string& path) const {
    if (path == directory_) return "";
    if (!path.starts_with(directory_ + "/")) return {};
    return path.substr(directory_.size() + 1);
  }
  void add(DiskCall call, const std::string& path) {
    auto relative = below(path);
    if (!relative) return;
    call.path = *relative;
    static constexpr const char* kNames[] = {"create", "mkdir",  "write", "truncate",
                                             "sync",   "rename", "remove"};
    call.text = std::string(kNames[call.kind]) + " " + call.path;
    calls.push_back(std::move(call));
  }
  void opened(const Traced& t) {
    offset_[std::to_string(t.result)] = 0;
    auto flags = join(t.words, ",");
    if (flags.contains("O_CREAT")) add({.kind = DiskCall::create}, t.result_path);
    if (flags.contains("O_TRUNC")) add({.kind = DiskCall::truncate}, t.result_path);
  }

  std::string directory_;
  std::map<std::string, uint64_t> offset_;  // by descriptor
};

}  // namespace

DiskModel::DiskModel(const Disk& now) : root_(std::make_shared<Node>()) {
  root_->directory = true;
  for (const auto& [path, bytes] : now) {
    auto node = std::make_shared<Node>();
    node->directory = path.ends_with('/');
    node->bytes = node->durable = bytes;
    auto name = node->directory ? path.substr(0, path.size() - 1) : path;
    auto above = parent(name);
    above->names[name_of(name)] = above->durable_names[name_of(name)] = node;
  }
}

DiskModel::NodePtr DiskModel::find(const std::string& path) const {
  auto node = root_;
  for (const auto& part : split(path, '/')) {
    auto found = node->names.find(part);
    if (found == node->names.end()) return nullptr;
    node = found->second;
  }
  return node;
}

DiskModel::NodePtr DiskModel::parent(const std::string& path) const {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? root_ : find(path.substr(0, slash));
}

void DiskModel::apply(const DiskCall& call) {
  auto node = find(call.path);
  auto above = parent(call.path);
  auto name = name_of(call.path);
  auto change = [&above](std::vector<std::pair<std::string, NodePtr>> names) {
    for (const auto& [changed, to] : names) {
      if (to)
        above->names[changed] = to;
      else
        above->names.erase(changed);
    }
    above->changes.push_back(std::move(names));
  };
  switch (call.kind) {
    case DiskCall::create:
    case DiskCall::make_directory: {
      if (node) return;
      auto made = std::make_shared<Node>();
      made->directory = call.kind == DiskCall::make_directory;
      return change({{name, made}});
    }
    case DiskCall::remove: return node ? change({{name, nullptr}}) : void();
    case DiskCall::rename:
      // Within one directory, as the program does it.
      return node ? change({{name, nullptr}, {name_of(call.to), node}}) : void();
    case DiskCall::write:
      if (!node) return;  // removed meanwhile
      node->bytes.resize(std::max<size_t>(node->bytes.size(), call.offset + call.data.size()));
      node->bytes.replace(call.offset, call.data.size(), call.data);
      return;
    case DiskCall::truncate:
      if (node) node->bytes.resize(call.offset);
      return;
    case DiskCall::sync:
      if (!node) return;
      node->durable = node->bytes;
      node->durable_names = node->names;
      node->changes.clear();
      return;
  }
}

template <class Names, class Bytes>
void DiskModel::collect(const Node& node, const std::string& path, State& state, Names names,
                        Bytes bytes) {
  for (const auto& [name, child] : names(node)) {
    auto below = path + name;
    if (child->directory) {
      state[below + "/"];
      collect(*child, below + "/", state, names, bytes);
    } else {
      state[below] = bytes(*child);
    }
  }
}

DiskModel::State DiskModel::nothing_more() const {
  State state;
  collect(
      *root_, "", state, [](const Node& node) { return node.durable_names; },
      [](const Node& node) { return node.durable; });
  return state;
}

DiskModel::State DiskModel::everything() const {
  State state;
  collect(
      *root_, "", state, [](const Node& node) { return node.names; },
      [](const Node& node) { return node.bytes; });
  return state;
}

DiskModel::State DiskModel::draw(std::mt19937& random) const {
  State state;
  collect(
      *root_, "", state,
      [&](const Node& node) {
        auto names = node.durable_names;
        for (const auto& change : node.changes) {
          if (random() % 2 == 0) continue;
          for (const auto& [name, to] : change) {
            if (to)
              names[name] = to;
            else
              names.erase(name);
          }
        }
        return names;
      },
      [&](const Node& node) -> std::string {
        if (node.bytes == node.durable) return node.durable;
        switch (random() % 4) {
          case 0: return node.durable;
          case 1: return node.bytes;
          case 2: return std::string(node.bytes.size(), '\0');
          default: return node.bytes.substr(0, random() % (node.bytes.size() + 1));
        }
      });
  return state;
}

Disk read_disk(const std::string& directory) {
  Disk disk;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    auto path = entry.path().lexically_relative(directory).string();
    if (entry.is_directory())
      disk[path + "/"];
    else
      disk[path] = test::read_file(entry.path());
  }
  return disk;
}

void write_disk(const Disk& disk, const std::string& directory) {
  fs::create_directory(directory);
  fs::permissions(directory, fs::perms(0700));
  for (const auto& [path, bytes] : disk) {  // a directory sorts before what is in it
    auto whole = std::format("{}/{}", directory, path);
    if (path.ends_with('/')) {
      fs::create_directory(whole);
      ::chmod(whole.c_str(), 0700);
    } else {
      test::write_file(whole, bytes);
      ::chmod(whole.c_str(), 0600);
    }
  }
}

std::vector<DiskCall> parse_calls(const std::string& trace, const std::string& directory) {
  Translation translation(directory);
  for (const auto& line : whole_lines(trace)) {
    auto traced = parse(line);
    if (traced) translation.take(*traced);
  }
  return translation.calls;
}

}  // namespace snap::crash
