// Handles and options of libcurl. Private to this room.
#pragma once

#include <curl/curl.h>

#include <string>
#include <tuple>

#include "base/handle.h"
#include "base/result.h"

namespace snap::net {

using Easy = Handle<CURL, &curl_easy_cleanup>;
using Multi = Handle<CURLM, &curl_multi_cleanup>;
using Headers = Handle<curl_slist, &curl_slist_free_all>;

// An empty handle where libcurl does not start.
inline Multi make_multi() {
  static const bool initialised = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return Multi(initialised ? curl_multi_init() : nullptr);
}

// Appends to a list that stays valid when memory runs out.
inline Result<void> append(Headers& list, const std::string& line) {
  auto* longer = curl_slist_append(list.get(), line.c_str());
  if (!longer) return fail(Code::internal, "no memory");
  std::ignore = list.release();
  list.reset(longer);
  return {};
}

// Sets options until one is refused.
class Options {
 public:
  explicit Options(CURL* easy) : easy_(easy) {}
  template <class T>
  Options& set(CURLoption option, T value) {
    if (code_ == CURLE_OK) code_ = curl_easy_setopt(easy_, option, value);
    return *this;
  }
  // Empty strings leave libcurl's default.
  Options& file(CURLoption option, const std::string& path) {
    return path.empty() ? *this : set(option, path.c_str());
  }
  Result<void> done() const {
    if (code_ == CURLE_OK) return {};
    return fail(Code::internal, std::string("libcurl: ") + curl_easy_strerror(code_));
  }

 private:
  CURL* easy_;
  CURLcode code_ = CURLE_OK;
};

}  // namespace snap::net
