#include "jobs/archives.h"

namespace snap::jobs {

std::vector<node::CollectOptions> archives_of(const Settings& settings,
                                              const std::string& own_directory,
                                              const std::stop_token& stop) {
  node::CollectOptions options{.host_root = settings.host_root,
                               .roots = settings.roots,
                               .exclude = settings.config.resources.exclude,
                               .own_directories = {own_directory},
                               .limits = {},
                               .stop = stop};
  const auto& directory = settings.discovery.vendor_directory;
  if (directory.empty()) return {options};
  auto is_vendors = [](const node::Root& root) { return root.named_by == node::NamedBy::vendor; };
  auto vendors = options;
  vendors.relative_to = directory;
  std::erase_if(vendors.roots, [&](const auto& root) { return !is_vendors(root); });
  std::erase_if(options.roots, is_vendors);
  if (options.roots.empty()) return {vendors};
  return {vendors, options};
}

}  // namespace snap::jobs
