// What is read on a host: static pods, environment files, etcd's YAML, certificates. The first byte
// chooses.
#include "fuzz/target.h"
#include "node/certificate.h"
#include "node/settings.h"

namespace snap::fuzz {
namespace {

std::vector<std::string> seeds() {
  return {
      "0apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: etcd\n    command:\n    - etcd\n"
      "    - --data-dir=/var/lib/etcd\n    env: [{name: ETCD_NAME, value: a}]\n"
      "    volumeMounts: [{mountPath: /var/lib/etcd, name: d}]\n"
      "  volumes: [{hostPath: {path: /data}, name: d}]\n",
      "1ETCD_NAME=a\n# x\nETCDCTL_CACERT=\"/a b\"\nexport ETCD_X='y'\n",
      "2name: a\nclient-transport-security: {cert-file: /c, trusted-ca-file: /ca}\n",
      "3-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
      "3-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"};
}

void run(std::string_view input) {
  if (input.empty()) return;
  auto content = input.substr(1);
  switch (input[0] & 3) {
    case 0:
      if (auto pod = node::parse_static_pod(content, "etcd"))
        require(!pod->get("data-dir").empty() || pod->file("data-dir").empty());
      break;
    case 1:
      for (const auto& [key, value] : node::parse_environment(content).values)
        require(!key.empty());
      break;
    case 2:
      if (auto yaml = node::parse_etcd_yaml(content))
        for (const auto& [key, value] : yaml->values) require(!key.empty());
      break;
    default: {
      auto file = node::read_certificates("/pki/ca.crt", content);
      require(!file.certificates.empty() || !file.notes.empty());
      for (const auto& certificate : file.certificates)
        for (unsigned char c : certificate.subject) require(c >= 0x20 && c < 0x7F);
    }
  }
}

}  // namespace

Target host() { return {"host", seeds, run}; }

}  // namespace snap::fuzz
