// Certificates for tests, made by the openssl command.
#pragma once

#include <string>

namespace snap::test {

struct Pki {
  std::string directory, ca, ca_key;
  std::string server_cert, server_key;  // for localhost, 127.0.0.1 and ::1
  std::string client_cert, client_key;  // CN=root, which etcd's auth takes for user root

  struct Wish {
    std::string name;  // files NAME.crt and NAME.key
    std::string common_name = "root";
    std::string alt_names = {};   // "DNS:example.test,IP:127.0.0.1"; empty: none
    std::string not_before = {};  // "20200101000000Z"; empty: now
    std::string not_after = {};   // empty: in 30 days
    bool self_signed = false;
  };
  struct Pair {
    std::string cert, key;  // paths
  };

  static Pki make(const std::string& directory);
  // One more certificate of this CA, for servers and clients.
  Pair issue(const Wish& wish) const;
};

}  // namespace snap::test
