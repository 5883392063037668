// A group in a bucket: where its objects lie, and how they are found and taken away. Private to
// this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dest/destination.h"
#include "dest/s3_line.h"

namespace snap::dest {

inline constexpr std::string_view kS3Claims = ".incoming/";

// Where things lie in the bucket.
struct S3Keys {
  std::string prefix, marker_name;

  std::string group(const std::string& group) const { return prefix + group + "/"; }
  std::string file(const std::string& group, const std::string& file) const {
    return prefix + group + "/" + file;
  }
  std::string marker(const std::string& group) const { return file(group, marker_name); }
  std::string claims() const { return prefix + std::string(kS3Claims); }
  std::string claim(const std::string& group) const { return claims() + group; }
  // Objects that name the files of a group that are sent in parts, for a server that shows an
  // unfinished upload only to who asks for its whole key (MinIO).
  std::string uploads(const std::string& group) const { return prefix + ".uploads/" + group + "/"; }
  std::string notes(const std::string& kind) const { return prefix + ".state/" + kind + "/"; }
};

// Whether there is an object of this key.
Result<bool> s3_has(S3Line& line, const std::string& key);

// The files of a listing of everything below `group_key`.
std::vector<FileInfo> s3_files(const Listing& listing, const std::string& group_key);

// Takes away what names the unfinished uploads of a group.
Result<void> forget_uploads(S3Line& line, const S3Keys& keys, const std::string& group);

// Ends the uploads of a group that nobody goes on with.
Result<void> abort_uploads(S3Line& line, const S3Keys& keys, const std::string& group);

// Removes everything of a group that was not published; its claim last, so that what is cut can go
// on.
Result<void> remove_unpublished(S3Line& line, const S3Keys& keys, const std::string& group);

}  // namespace snap::dest
