// A real S3 server on a loopback port with one bucket in it, gone with the object.
#pragma once

#include <string>
#include <vector>

#include "support/pki.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::test {

struct S3Options {
  // versitygw  strict, objects are plain files below data()
  // minio      the second opinion
  // rclone     ignores conditions, checksums and whatever else it does not know
  std::string kind = "versitygw";
  bool tls = false;
  bool versioning = false;
  bool lock = false;           // a bucket with object lock, which turns versioning on
  std::string data_directory;  // empty: its own
};

class S3Server {
 public:
  // Returns when the bucket is there; throws when it is not, with the end of the server's log.
  explicit S3Server(const S3Options& options = {});
  S3Server(const S3Server&) = delete;

  int port() const { return port_; }
  std::string url() const;
  std::string host() const { return "s3.localhost"; }  // for BUCKET.HOST, which is loopback
  std::string bucket() const { return "sets"; }
  std::string ca_file() const { return options_.tls ? pki_.ca : ""; }
  std::string access_key_file() const { return dir_.path("access-key"); }
  std::string secret_key_file() const { return dir_.path("secret-key"); }
  static std::string access_key() { return "testaccesskey"; }
  static std::string secret_key() { return "testsecretkey0123456789"; }
  // The objects as the server keeps them; plain files with versitygw and rclone only.
  std::string data() const;
  pid_t pid() const { return server_.pid(); }

  // One signed request as the owner by the command curl; `path` from its slash, encoded.
  Finished request(const std::string& method, const std::string& path,
                   const std::vector<std::string>& curl_options = {}) const;

  void kill() { server_.kill(); }
  void restart();  // on the same port, after kill()
  void pause() { server_.pause(); }
  void resume() { server_.resume(); }

 private:
  void launch();
  Command command() const;

  S3Options options_;
  TempDir dir_;
  Pki pki_;
  int port_ = 0;
  Process server_;
};

}  // namespace snap::test
