#include "node/endpoints.h"

#include <algorithm>

#include "base/text.h"

namespace snap::node {
namespace {

std::string_view host_of(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  if (url.starts_with('[')) return url.substr(0, url.find(']') + 1);
  return url.substr(0, url.find_first_of(":/"));
}

bool is_loopback(std::string_view url) {
  auto host = host_of(url);
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

std::string replaced(const std::string& url, std::string_view host, std::string_view by) {
  auto at = url.find("://") + 3;
  return url.substr(0, at) + std::string(by) + url.substr(at + host.size());
}

}  // namespace

std::vector<std::string> endpoint_list(std::string_view urls) {
  std::vector<std::string> list;
  for (const auto& part : split(urls, ',')) {
    auto url = trim(part);
    if (!url.starts_with("https://") && !url.starts_with("http://")) continue;
    if (url.contains('$')) continue;  // a variable that only the pod knows
    while (url.ends_with('/')) url.remove_suffix(1);
    list.emplace_back(url);
  }
  return list;
}

std::vector<std::string> endpoints_of_listeners(std::string_view listen) {
  auto urls = endpoint_list(listen);
  for (auto& url : urls) {
    auto host = std::string(host_of(url));
    if (host == "0.0.0.0" || host.empty()) url = replaced(url, host, "127.0.0.1");
    if (host == "[::]") url = replaced(url, host, "[::1]");
  }
  if (std::ranges::any_of(urls, is_loopback))
    std::erase_if(urls, [](const auto& url) { return !is_loopback(url); });
  return urls;
}

}  // namespace snap::node
