// S3 places for tests.
#pragma once

#include "dest/s3.h"
#include "support/s3_server.h"

namespace snap::dest {

// Patience is short, as loopback allows.
inline S3Config s3_config(const test::S3Server& server) {
  return {.endpoint = server.url(),
          .bucket = server.bucket(),
          .prefix = "sets/",
          .access_key_file = server.access_key_file(),
          .secret_key_file = server.secret_key_file(),
          .ca_file = server.ca_file(),
          .marker = "marker",
          .patience = {
              .connect = std::chrono::seconds(5), .stall = std::chrono::seconds(6), .stop = {}}};
}

}  // namespace snap::dest
