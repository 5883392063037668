#include "support/s3_server.h"

#include <filesystem>
#include <stdexcept>

#include "support/parts.h"

namespace snap::test {

std::string S3Server::url() const {
  return (options_.tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
}

std::string S3Server::data() const {
  return options_.data_directory.empty() ? dir_.path("data") : options_.data_directory;
}

Command S3Server::command() const {
  auto address = "127.0.0.1:" + std::to_string(port_);
  Command command{.argv = {part("bin/" + options_.kind, "s3")}, .output_file = dir_.path("log")};
  auto add = [&command](const std::vector<std::string>& more) {
    command.argv.insert(command.argv.end(), more.begin(), more.end());
  };
  if (options_.kind == "versitygw") {
    command.env = {{"ROOT_ACCESS_KEY", access_key()}, {"ROOT_SECRET_KEY", secret_key()}};
    add({"--port", address, "--region", "us-east-1", "--virtual-domain", host()});
    if (options_.tls) add({"--cert", pki_.server_cert, "--key", pki_.server_key});
    add({"posix"});
    if (options_.versioning || options_.lock) add({"--versioning-dir", dir_.path("versions")});
    add({data()});
  } else if (options_.kind == "minio") {
    command.env = {{"MINIO_ROOT_USER", access_key()}, {"MINIO_ROOT_PASSWORD", secret_key()},
                   {"MINIO_DOMAIN", host()},          {"MINIO_BROWSER", "off"},
                   {"MINIO_UPDATE", "off"},           {"MINIO_CI_CD", "1"}};
    add({"server", "--quiet", "--address", address, "--certs-dir", dir_.path("certs"), data()});
  } else {
    add({"serve", "s3", "--config", "/dev/null", "--addr", address, "--auth-key",
         access_key() + "," + secret_key(), data()});
  }
  return command;
}

S3Server::S3Server(const S3Options& options) : options_(options), port_(free_ports(1)[0]) {
  namespace fs = std::filesystem;
  for (const auto* name : {"data", "versions", "certs"}) fs::create_directory(dir_.path(name));
  write_file(access_key_file(), access_key() + "\n");
  write_file(secret_key_file(), secret_key() + "\n");
  if (options_.tls) {
    pki_ = Pki::make(dir_.path("pki"));
    auto pair = pki_.issue(
        {.name = "s3",
         .common_name = host(),
         .alt_names = "DNS:localhost,DNS:" + host() + ",DNS:*." + host() + ",IP:127.0.0.1"});
    pki_.server_cert = pair.cert;
    pki_.server_key = pair.key;
    fs::copy_file(pair.cert, dir_.path("certs/public.crt"));
    fs::copy_file(pair.key, dir_.path("certs/private.key"));
  }
  launch();
  std::vector<std::string> lock;
  if (options_.lock) lock = {"-H", "x-amz-bucket-object-lock-enabled: true"};
  Finished made;
  // Some open their port before they take requests.
  if (!wait_until([&] { return (made = request("PUT", "/" + bucket(), lock)).ok(); }))
    throw std::runtime_error(options_.kind + " makes no bucket: " + made.text());
  if (options_.versioning && !options_.lock &&
      !request("PUT", "/" + bucket() + "?versioning=",
               {"-H", "Content-Type: application/xml", "--data",
                "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"})
           .ok())
    throw std::runtime_error(options_.kind + " turns no versioning on");
}

void S3Server::launch() {
  server_ = Process(command());
  auto answers = [this] {
    return run({.argv = {"curl", "-sk", "-o", "/dev/null", "--max-time", "2", url() + "/"}}).ok();
  };
  if (!wait_until([&] { return !server_.running() || answers(); },
                  std::chrono::milliseconds(30'000)) ||
      !server_.running())
    throw std::runtime_error(options_.kind + " does not start: " +
                             run({.argv = {"tail", "-n", "5", dir_.path("log")}}).out);
}

void S3Server::restart() { launch(); }

Finished S3Server::request(const std::string& method, const std::string& path,
                           const std::vector<std::string>& curl_options) const {
  Command command{.argv = {"curl", "-sS", "--fail-with-body", "-X", method, "--user",
                           access_key() + ":" + secret_key(), "--aws-sigv4", "aws:amz:us-east-1:s3",
                           "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"}};
  if (options_.tls) command.argv.insert(command.argv.end(), {"--cacert", pki_.ca});
  command.argv.insert(command.argv.end(), curl_options.begin(), curl_options.end());
  command.argv.push_back(url() + path);
  return run(command);
}

}  // namespace snap::test
