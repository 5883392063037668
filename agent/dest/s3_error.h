// What an S3 server's refusal means, in words for the person who must mend it. Private to this
// room.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "dest/s3.h"
#include "dest/sigv4.h"
#include "net/http1.h"

namespace snap::dest {

// Who asked for what, when.
struct Asked {
  std::string operation;  // "PutObject", as the rights are named
  std::string what;       // "s3://bucket/key", escaped
  Seconds at;             // by our clock
};

struct Refusal {
  std::string code;  // of the server: "NoSuchKey"; empty: it gave none
  Error error;
  bool again = false;             // another try may succeed
  bool credentials = false;       // other keys may succeed
  std::chrono::seconds pause{0};  // that the server asked for
};

// Judges an answer that is no success: a status of 300 and above, or an <Error> below a 200. What
// the server says is cut, made visible, and without our keys: some servers send the whole request
// back.
Refusal judge(const Asked& asked, const net::Http1Reply& reply, const S3Config& config,
              const Credentials& credentials);

}  // namespace snap::dest
