// Requests to one bucket: signed, repeated where another try may help, explained where they fail.
// Private to this room.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dest/s3.h"
#include "dest/s3_error.h"
#include "dest/s3_xml.h"
#include "dest/sigv4.h"
#include "net/http1.h"
#include "stream/stream.h"

namespace snap::dest {

enum class Learned { unknown, yes, no };

// What all lines to a bucket share. Used by several threads.
class S3Account {
 public:
  static Result<std::shared_ptr<S3Account>> open(const S3Config& config);

  const S3Config& config() const { return config_; }
  const net::Endpoint& endpoint() const { return endpoint_; }
  std::string label() const;
  std::string path_of(const std::string& key) const;  // in the URL, not encoded
  std::string name_of(const std::string& key) const;  // for people

  Credentials credentials() const;
  // True when the files hold something else than `refused` now.
  bool renewed(const Credentials& refused);

  void remark(const std::string& text);  // each is kept once
  std::vector<std::string> remarks() const;

  std::atomic<Learned> conditional = Learned::unknown;    // If-None-Match: * is honoured
  std::atomic<Learned> checks = Learned::unknown;         // a wrong checksum is refused
  std::atomic<Learned> shows_uploads = Learned::unknown;  // those of a group by its prefix

 private:
  S3Account(S3Config config, net::Endpoint endpoint)
      : config_(std::move(config)), endpoint_(std::move(endpoint)) {}

  S3Config config_;
  net::Endpoint endpoint_;
  mutable std::mutex mutex_;
  Credentials credentials_;
  std::vector<std::string> remarks_;
};

struct Call {
  std::string operation;
  std::string method;
  std::string key;  // whole; empty: the bucket
  Query query = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case
  Bytes body = {};
  // The SHA-256 of `body`: sent as x-amz-checksum-sha256, and the server is to check it.
  std::optional<stream::Digest> checksum = {};
  std::vector<int> accept = {};  // statuses of 300 and above that are no Error
  std::string_view root = {};    // how the root of a success's XML begins; empty: any body
  std::chrono::milliseconds more_time{0};  // that the server may be silent
  bool stream = false;                     // leaves the body of a success to read()
};

struct Answer {
  net::Http1Head head;
  std::string body;
  Element xml;       // when Call::root was given
  int attempts = 1;  // an earlier one may have done what was asked
};

struct ObjectHead {
  uint64_t size_bytes = 0;
  std::string checksum;  // base64 of SHA-256, with "-N" of N parts; empty: the server has none
};

struct Listed {
  std::string key;
  uint64_t size_bytes = 0;
  Seconds changed{};
};

struct Listing {
  std::vector<Listed> objects;
  std::vector<std::string> prefixes;
};

struct Upload {
  std::string key, id;
};

// One connection. Used by one thread at a time.
class S3Line {
 public:
  S3Line(std::shared_ptr<S3Account> account, const Patience& patience, int tries = 6);
  // For taking away what is not wanted any more: few tries, short waits, whatever was stopped.
  static S3Line for_cleaning(const std::shared_ptr<S3Account>& account);

  S3Account& account() { return *account_; }

  Result<Answer> call(const Call& call);
  Result<size_t> read(MutableBytes into) { return client_->read(into); }  // after Call::stream

  // Error: exists  with `only_new`, where a fallback asks first when the server ignores conditions.
  Result<void> put(const std::string& key, std::string_view content, bool only_new);
  Result<std::optional<ObjectHead>> head(const std::string& key);
  Result<std::string> get(const std::string& key, uint64_t max_bytes);
  Result<void> remove(const std::string& key);  // absent: success
  // All that starts with `prefix`, or only up to the next `delimiter`: complete, or an Error.
  Result<Listing> list(const std::string& prefix, const std::string& delimiter);
  Result<std::vector<Upload>> uploads(const std::string& prefix);
  Result<void> abort(const Upload& upload);

 private:
  Result<Answer> attempt(const Call& call, const Credentials& credentials, Refusal& refusal);
  Result<bool> holds(const std::string& key, std::string_view content);

  std::shared_ptr<S3Account> account_;
  Patience patience_;
  int tries_;
  std::unique_ptr<net::Http1Client> client_;
};

// Headers that objects are created with: encryption.
void add_encryption(const S3Config& config,
                    std::vector<std::pair<std::string, std::string>>& headers);

}  // namespace snap::dest
