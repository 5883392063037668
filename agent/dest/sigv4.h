// Signatures of AWS, version 4, as S3 and its kin want them on every request. Private to this room.
//
// libcurl can sign too, but its signature of a query that holds "%2B" is wrong (8.14), and a
// continuation token may hold one. Names and numbers: "Signature Version 4 signing process" in the
// AWS General Reference; S3 encodes a path once, where other services do so twice.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "stream/sha256.h"

namespace snap::dest {

struct Credentials {
  std::string access_key, secret_key;
  std::string session_token;  // empty: none

  bool operator==(const Credentials&) const = default;
};

using Query = std::vector<std::pair<std::string, std::string>>;  // not encoded, in any order

// What is signed. Of the headers all, so none may be added or changed on the way.
struct Unsigned {
  std::string method;
  std::string path;  // not encoded: "/bucket/key with blanks"
  Query query;
  std::vector<std::pair<std::string, std::string>>
      headers;               // names in lower case, `host` among them
  std::string payload_hash;  // 64 hexadecimal digits, or "UNSIGNED-PAYLOAD"
};

// What the header "authorization" must hold at this time, with an "x-amz-date" header of the same
// among `request`'s.
std::string authorization(const Unsigned& request, const Credentials& credentials,
                          std::string_view region, std::string_view service, Seconds at);

// "20150830T123600Z"
std::string amz_date(Seconds at);

// Path and query as they go over the wire: "/bucket/key%20with?list-type=2&prefix=a%2Fb".
std::string encoded_target(const std::string& path, const Query& query);

}  // namespace snap::dest
