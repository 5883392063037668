#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/pki.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::net {
namespace {

using testing::HasSubstr;

// F-E21: what is wrong with the files is said before any connection.
TEST(CheckTls, FindsWhatDoesNotFit) {
  test::TempDir dir;
  auto pki = test::Pki::make(dir.path());
  auto garbage = dir.path("garbage");
  test::write_file(garbage, "-----BEGIN CERTIFICATE-----\nsecret-canary\n");
  auto locked = dir.path("locked");
  test::run({.argv = {"openssl", "pkey", "-in", pki.client_key, "-aes256", "-passout",
                      "pass:secret-canary", "-out", locked}});
  EXPECT_TRUE(check({}));
  EXPECT_TRUE(check({.ca = pki.ca,
                     .cert = pki.client_cert,
                     .key = pki.client_key,
                     .server_name = "etcd.example"}));
  struct Case {
    TlsFiles files;
    Code code;
    std::string message;
  };
  for (const auto& c : std::vector<Case>{
           {{garbage, "", "", ""}, Code::invalid, "no certificate in PEM form"},
           {{pki.client_key, "", "", ""}, Code::invalid, "no certificate in PEM form"},
           {{"", pki.client_cert, pki.server_key, ""}, Code::invalid, "not the key of"},
           {{"", pki.client_cert, pki.client_cert, ""}, Code::invalid, "no private key"},
           {{"", pki.client_cert, locked, ""}, Code::invalid, "is encrypted"},
           {{"", pki.client_cert, "", ""}, Code::invalid, "without its key"},
           {{"", "", pki.client_key, ""}, Code::invalid, "without its certificate"},
           {{dir.path("none"), "", "", ""}, Code::invalid, "none"},
           {{"", "", "", "a\nb"}, Code::invalid, "not a host name"}}) {
    auto result = check(c.files);
    ASSERT_FALSE(result) << c.message;
    EXPECT_EQ(result.error().code, c.code) << describe(result.error());
    EXPECT_THAT(result.error().message, HasSubstr(c.message));
    if (c.message == "no private key") {
      EXPECT_NE(result.error().hint, "");
    }
    EXPECT_THAT(describe(result.error()), testing::Not(HasSubstr("canary")));
  }
}

}  // namespace
}  // namespace snap::net
