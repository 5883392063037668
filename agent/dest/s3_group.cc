#include "dest/s3_group.h"

#include <algorithm>

namespace snap::dest {
namespace {

// Unfinished uploads of a group. A server that does not let us see them keeps them until its own
// rules end that: no reason to stop.
Result<std::vector<Upload>> uploads_of(S3Line& line, const std::string& prefix) {
  auto found = line.uploads(prefix);
  if (found) return found;
  if (found.error().code != Code::denied && found.error().code != Code::invalid) return found;
  line.account().remark(
      "unfinished uploads cannot be listed: let a lifecycle rule of the bucket abort them");
  return std::vector<Upload>{};
}

}  // namespace

Result<bool> s3_has(S3Line& line, const std::string& key) {
  auto head = TRY(line.head(key));
  return head.has_value();
}

std::vector<FileInfo> s3_files(const Listing& listing, const std::string& group_key) {
  std::vector<FileInfo> files;
  for (const auto& object : listing.objects) {
    auto name = object.key.substr(group_key.size());
    // An object of the group's own name is what some tools make for a folder.
    if (!name.empty()) files.push_back({name, object.size_bytes, check_name(name).has_value()});
  }
  return files;
}

Result<void> forget_uploads(S3Line& line, const S3Keys& keys, const std::string& group) {
  auto named = TRY(line.list(keys.uploads(group), ""));
  for (const auto& object : named.objects) TRY(line.remove(object.key));
  return {};
}

Result<void> abort_uploads(S3Line& line, const S3Keys& keys, const std::string& group) {
  auto uploads = TRY(uploads_of(line, keys.group(group)));
  auto named = TRY(line.list(keys.uploads(group), ""));
  for (const auto& object : named.objects) {
    auto file = object.key.substr(keys.uploads(group).size());
    if (!check_name(file)) continue;
    auto more = TRY(uploads_of(line, keys.file(group, file)));
    for (auto& upload : more) {
      if (!std::ranges::contains(uploads, upload.id, &Upload::id))
        uploads.push_back(std::move(upload));
    }
  }
  for (const auto& upload : uploads) TRY(line.abort(upload));
  return forget_uploads(line, keys, group);
}

Result<void> remove_unpublished(S3Line& line, const S3Keys& keys, const std::string& group) {
  TRY(abort_uploads(line, keys, group));
  auto listing = TRY(line.list(keys.group(group), ""));
  for (const auto& object : listing.objects) TRY(line.remove(object.key));
  return line.remove(keys.claim(group));
}

}  // namespace snap::dest
