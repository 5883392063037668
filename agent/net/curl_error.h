// Why a connection failed, in words for the person who must mend it. Private to this room.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <string>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/peer_check.h"

namespace snap::net {

struct Failure {
  CURLcode code = CURLE_OK;
  std::string text;  // of libcurl; may be empty
  long os_error = 0;
  std::string checked_name;  // that the server's certificate had to have
  bool answered = false;     // a header came
  bool etcd = true;          // whom we asked: an etcd, over HTTP/2, or some other server
};

Error connection_error(const Failure& failure, const Endpoint& endpoint, const PeerCheck& peer,
                       std::chrono::milliseconds connect_timeout);

}  // namespace snap::net
