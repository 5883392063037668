// A bucket of an S3 server.
//
// A group is the objects below PREFIX GROUP/. There is no rename, so begin() puts an object
// PREFIX.incoming/GROUP that claims the name, and publish() puts the marker, only if there is none,
// and takes the claim away: a group with a claim and without its marker is a leftover, and nothing
// else is. Notes are the objects PREFIX.state/KIND/NAME. Where a server shows an unfinished upload
// only to who knows its whole key, PREFIX.uploads/GROUP/FILE names it until the group is published.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dest/destination.h"
#include "dest/patience.h"

namespace snap::dest {

enum class S3Encryption { none, sse_s3, sse_kms };

struct S3Config {
  std::string endpoint;  // "https://s3.example.com", "http://..." only where it was typed out
  std::string region = "us-east-1";
  std::string bucket;
  std::string prefix;      // "prod-east/"; empty, or with a slash at its end
  bool path_style = true;  // false: BUCKET.host
  std::string access_key_file, secret_key_file;
  std::string session_token_file;  // empty: none
  std::string ca_file;             // empty: the system's
  std::string proxy;               // empty: none, whatever the environment says
  S3Encryption encryption = S3Encryption::none;
  std::string kms_key_id;  // sse_kms only; empty: the bucket's own
  // The file whose object marks a group as whole. It is kept in memory (at most 4 MiB) until
  // publish() puts it.
  std::string marker = "manifest.json";
  Patience patience;
};

// Reads the credential files and asks for the bucket. They are read again when the server refuses
// them.
//
// Errors: invalid      a file is missing or empty; the endpoint is no URL
//         not_found    there is no such bucket
//         denied       with what the server says: keys, region, clock ("clock differs by ...")
//         unavailable, timeout
Result<std::unique_ptr<Destination>> open_s3(const S3Config& config);

}  // namespace snap::dest
