#include "support/pki.h"

#include <filesystem>
#include <stdexcept>
#include <vector>

#include "support/process.h"

namespace snap::test {
namespace {

void openssl(std::vector<std::string> args) {
  args.insert(args.begin(), "openssl");
  auto done = run({.argv = args});
  if (!done.ok()) throw std::runtime_error("openssl " + args[1] + ": " + done.text());
}

}  // namespace

Pki Pki::make(const std::string& directory) {
  std::filesystem::create_directories(directory);
  Pki pki;
  pki.directory = directory;
  pki.ca = directory + "/ca.crt";
  pki.ca_key = directory + "/ca.key";
  openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
           "-days", "30", "-subj", "/CN=test-ca", "-keyout", pki.ca_key, "-out", pki.ca});
  auto server = pki.issue({.name = "server",
                           .common_name = "localhost",
                           .alt_names = "DNS:localhost,IP:127.0.0.1,IP:::1"});
  auto client = pki.issue({.name = "client"});
  pki.server_cert = server.cert;
  pki.server_key = server.key;
  pki.client_cert = client.cert;
  pki.client_key = client.key;
  return pki;
}

Pki::Pair Pki::issue(const Wish& wish) const {
  auto base = directory + "/" + wish.name;
  std::string extensions = "extendedKeyUsage=serverAuth,clientAuth\n";
  if (!wish.alt_names.empty()) extensions += "subjectAltName=" + wish.alt_names + "\n";
  write_file(base + ".ext", extensions);
  openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
           "/CN=" + wish.common_name, "-keyout", base + ".key", "-out", base + ".csr"});
  std::vector<std::string> sign = {"x509", "-req",        "-in",      base + ".csr",
                                   "-out", base + ".crt", "-extfile", base + ".ext"};
  auto add = [&sign](std::vector<std::string> more) {
    sign.insert(sign.end(), more.begin(), more.end());
  };
  if (wish.self_signed)
    add({"-key", base + ".key"});
  else
    add({"-CA", ca, "-CAkey", ca_key, "-CAcreateserial"});
  if (!wish.not_before.empty()) add({"-not_before", wish.not_before});
  if (!wish.not_after.empty())
    add({"-not_after", wish.not_after});
  else
    add({"-days", "30"});
  openssl(sign);
  return {base + ".crt", base + ".key"};
}

}  // namespace snap::test
