// The file that kubectl uses. Format: kubernetes/client-go:tools/clientcmd/api/v1/types.go.
#include <sys/mman.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <format>

#include "base/encode.h"
#include "base/text.h"
#include "kube/access.h"
#include "kube/fields.h"
#include "kube/token.h"

namespace snap::kube {
namespace {

constexpr uint64_t kMaxFileBytes = 1U << 20;

// What may be part of a line of a request.
bool is_one_word(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

// A text of the map; empty when it is not there.
std::string text_of(const YAML::Node& map, const char* key) {
  if (!map.IsMap()) return {};
  auto value = map[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

// Reads one file. Nothing of its values but names and paths enters a message.
class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  Result<Access> read(const YAML::Node& root) {
    if (!root.IsMap()) return wrong("it holds no keys", "is this a kubeconfig?");
    auto current = text_of(root, "current-context");
    if (current.empty())
      return wrong("current-context is not set", "kubectl config use-context NAME sets it");
    auto context = TRY(named(root, "contexts", "context", current));
    auto cluster = TRY(named(root, "clusters", "cluster", text_of(context, "cluster")));
    auto user = TRY(named(root, "users", "user", text_of(context, "user")));
    access_.origin = path_;
    access_.name_space = text_of(context, "namespace");
    if (access_.name_space.empty()) access_.name_space = "default";
    if (!is_object_name(access_.name_space)) return wrong("namespace is not a name");
    TRY(read_server(cluster));
    TRY(read_user(user));
    TRY(net::check(access_.tls).context(path_));
    return std::move(access_);
  }

 private:
  std::unexpected<Error> wrong(const std::string& what, std::string hint = {}) const {
    return fail(Code::invalid, std::format("kubeconfig {}: {}", path_, what), std::move(hint));
  }

  // The map below `key` of the item called `name` in the list `list`.
  Result<YAML::Node> named(const YAML::Node& root, const char* list, const char* key,
                           const std::string& name) const {
    auto items = root[list];
    if (items && items.IsSequence()) {
      for (const auto& item : items) {
        if (item.IsMap() && text_of(item, "name") == name && item[key]) return item[key];
      }
    }
    return wrong(std::format("there is no {} named {}", key, escaped(name)));
  }

  Result<void> read_server(const YAML::Node& cluster) {
    if (text_of(cluster, "insecure-skip-tls-verify") == "true")
      return wrong("insecure-skip-tls-verify is not supported",
                   "name the CA in certificate-authority");
    if (!text_of(cluster, "proxy-url").empty())
      return wrong("proxy-url is not supported", "the API server must be reached directly");
    auto url = text_of(cluster, "server");
    auto authority = url.find("://");
    auto slash = authority == url.npos ? authority : url.find('/', authority + 3);
    if (slash != url.npos) {
      access_.base_path = url.substr(slash);
      url.resize(slash);
      while (access_.base_path.ends_with('/')) access_.base_path.pop_back();
      if (!is_one_word(access_.base_path) || access_.base_path.find_first_of("?#") != url.npos)
        return wrong("server: not the address of an API");
    }
    access_.server =
        TRY(net::parse_endpoint(url, 443, true).context("kubeconfig " + path_ + ": server"));
    if (!access_.server.tls && !access_.server.is_local())
      return wrong("server: plain HTTP to another host", "write https://");
    access_.tls.server_name = text_of(cluster, "tls-server-name");
    access_.tls.ca = TRY(file_or_data(cluster, "certificate-authority"));
    return {};
  }

  Result<void> read_user(const YAML::Node& user) {
    for (const auto* plugin : {"exec", "auth-provider"}) {
      if (user.IsMap() && user[plugin])
        return wrong(std::format("{}: programs that fetch credentials are not run", plugin),
                     "make a service account with a token, or use a client certificate");
    }
    if (!text_of(user, "username").empty() || !text_of(user, "password").empty())
      return wrong("username and password are not supported by API servers since Kubernetes 1.19",
                   "use a token or a client certificate");
    if (user.IsMap() && (user["as"] || user["as-groups"] || user["as-uid"]))
      return wrong("acting as another user is not supported", "use a user of its own");
    access_.tls.cert = TRY(file_or_data(user, "client-certificate"));
    access_.tls.key = TRY(file_or_data(user, "client-key"));
    access_.token_file = in_directory(text_of(user, "tokenFile"));
    access_.token = text_of(user, "token");
    if (!is_one_word(access_.token)) return wrong("token holds characters that no token has");
    // It is read again with each request; a mistake is better told now.
    Token token(access_.token_file, access_.token);
    TRY(token.at({}).context("kubeconfig " + path_));
    return {};
  }

  // Relative paths start at the directory of the kubeconfig.
  std::string in_directory(const std::string& path) const {
    return path.empty() || path.starts_with('/') ? path : parent_directory(path_) + "/" + path;
  }

  // "certificate-authority", or "certificate-authority-data" in base64, which wins.
  Result<std::string> file_or_data(const YAML::Node& map, const std::string& key) {
    auto data = text_of(map, (key + "-data").c_str());
    if (data.empty()) return in_directory(text_of(map, key.c_str()));
    auto bytes = from_base64(data);
    if (!bytes || bytes->empty()) return wrong(key + "-data is not base64");
    Fd memory(::memfd_create("kubeconfig", MFD_CLOEXEC));
    if (!memory) return fail_errno(errno, "keep " + key + "-data in memory");
    TRY(write_full(memory.get(), as_bytes(*bytes), key));
    if (!access_.inline_files) access_.inline_files = std::make_shared<std::vector<Fd>>();
    access_.inline_files->push_back(std::move(memory));
    return std::format("/proc/self/fd/{}", access_.inline_files->back().get());
  }

  std::string path_;
  Access access_;
};

}  // namespace

Result<Access> from_kubeconfig(const std::string& path) {
  auto text = TRY(read_small_file(path, kMaxFileBytes).context("kubeconfig"));
  try {
    return Reader(escaped(path)).read(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    return fail(
        Code::invalid,
        std::format("kubeconfig {}:{}: this is no YAML", escaped(path), error.mark.line + 1),
        "kubectl config view --raw --flatten writes a clean one");
  }
}

}  // namespace snap::kube
