// Where the API is: in a pod, and by a kubeconfig.
#include "kube/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "kube/token.h"
#include "support/pki.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace snap::kube {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Pod : public testing::Test {
 protected:
  void SetUp() override {
    auto pki = test::Pki::make(directory_.path("pki"));
    test::write_file(directory_.path("ca.crt"), test::read_file(pki.ca));
    test::write_file(directory_.path("token"), "t0ken\n");
    test::write_file(directory_.path("namespace"), "backup");
  }

  Result<Access> access() {
    return in_cluster(
        [&](const char* name) -> const char* {
          auto found = environment_.find(name);
          return found == environment_.end() ? nullptr : found->second.c_str();
        },
        directory_.path());
  }

  test::TempDir directory_;
  std::map<std::string, std::string> environment_ = {{"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
                                                     {"KUBERNETES_SERVICE_PORT", "443"}};
};

TEST_F(Pod, HasAServiceAccount) {
  auto found = access();
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_EQ(found->server.url(), "https://10.96.0.1:443");
  EXPECT_EQ(found->name_space, "backup");
  EXPECT_EQ(found->token_file, directory_.path("token"));
}

TEST_F(Pod, PutsBracketsAroundIpv6) {
  environment_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  auto found = access();
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_EQ(found->server.url(), "https://[fd00::1]:443");
}

TEST_F(Pod, SaysWhatIsMissing) {
  test::write_file(directory_.path("token"), "\n");
  EXPECT_THAT(describe(access().error()), HasSubstr("token is empty"));
  std::filesystem::remove(directory_.path("token"));
  auto no_token = access();
  ASSERT_FALSE(no_token);
  EXPECT_THAT(describe(no_token.error()), HasSubstr("automountServiceAccountToken"));
  environment_.clear();
  auto no_pod = access();
  ASSERT_FALSE(no_pod);
  EXPECT_THAT(describe(no_pod.error()), HasSubstr("this is not a pod"));
}

TEST(TokenFile, IsReadAgainAfterAMinute) {
  test::TempDir directory;
  auto file = directory.path("token");
  test::write_file(file, " one \n");
  Token token(file, "");
  std::chrono::steady_clock::time_point start(1h);
  EXPECT_EQ(token.at(start).value(), "one");
  test::write_file(file, "two");
  EXPECT_EQ(token.at(start + 59s).value(), "one");
  EXPECT_EQ(token.at(start + 60s).value(), "two");
  for (const auto* bad : {"", "\n", "a\r\nX-Header: b", "a b"}) {
    test::write_file(file, bad);
    EXPECT_FALSE(token.renew(start + 61s));
    EXPECT_EQ(token.at(start + 300s).value(), "two") << "the old one stays";
  }
}

TEST(TokenFile, ThatGivesNoneIsAnErrorAndNeverNoToken) {
  test::TempDir directory;
  auto file = directory.path("token");
  std::chrono::steady_clock::time_point start(1h);
  Token token(file, "");
  auto missing = token.at(start);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::denied);
  EXPECT_THAT(missing.error().message, testing::StartsWith("token file: open " + file));
  test::write_file(file, "\n");
  EXPECT_THAT(token.at(start + 60s).error().message, HasSubstr("holds no token"));
  test::write_file(file, "one");
  EXPECT_EQ(token.at(start + 120s).value(), "one");
  EXPECT_EQ(Token(directory.path("none"), "fixed").at(start).value(), "fixed");
  EXPECT_EQ(Token("", "").at(start).value(), "") << "nothing is configured";
}

struct Case {
  std::string name, cluster, user, says;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Kubeconfig : public testing::TestWithParam<Case> {};

std::string text_of(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
         "contexts:\n- {name: other, context: {cluster: x, user: x}}\n"
         "- {name: here, context: {cluster: c, user: u, namespace: ns}}\n"
         "clusters: [{name: c, cluster: " +
         cluster + "}]\nusers: [{name: u, user: " + user + "}]\n";
}

TEST_P(Kubeconfig, IsReadOrRefused) {
  test::TempDir directory;
  auto pki = test::Pki::make(directory.path("pki"));
  auto file = directory.path("config");
  test::write_file(file, text_of(GetParam().cluster, GetParam().user));
  auto access = from_kubeconfig(file);
  if (GetParam().says.empty()) {
    ASSERT_TRUE(access) << describe(access.error());
    EXPECT_EQ(access->name_space, "ns");
  } else {
    ASSERT_FALSE(access);
    EXPECT_EQ(access.error().code, Code::invalid);
    EXPECT_THAT(describe(access.error()), HasSubstr(GetParam().says));
    EXPECT_THAT(describe(access.error()), testing::Not(HasSubstr("canary")));
  }
}

const std::string kServer = "{server: \"https://h:6443\"";
INSTANTIATE_TEST_SUITE_P(
    Rows, Kubeconfig,
    testing::Values(
        Case{"token", kServer + "}", "{token: canary}", ""},
        Case{"nobody", kServer + "}", "{}", ""},
        Case{"files", kServer + ", certificate-authority: pki/ca.crt}",
             "{client-certificate: pki/client.crt, client-key: pki/client.key}", ""},
        Case{"key_without_certificate", kServer + "}", "{client-key: pki/client.key}", "key"},
        Case{"local_http", "{server: \"http://127.0.0.1:8001\"}", "{}", ""},
        Case{"http", "{server: \"http://10.0.0.1:8080\"}", "{}", "plain HTTP to another host"},
        Case{"exec", kServer + "}", "{exec: {command: aws, args: [canary]}}",
             "exec: programs that fetch credentials are not run"},
        Case{"auth_provider", kServer + "}", "{auth-provider: {name: oidc}}",
             "auth-provider: programs that fetch credentials are not run"},
        Case{"password", kServer + "}", "{username: a, password: canary}",
             "username and password are not supported"},
        Case{"impersonation", kServer + "}", "{token: canary, as: root}",
             "acting as another user is not supported"},
        Case{"insecure", kServer + ", insecure-skip-tls-verify: true}", "{}",
             "name the CA in certificate-authority"},
        Case{"proxy", kServer + ", proxy-url: \"http://p\"}", "{}", "proxy-url is not supported"},
        Case{"token_of_two_lines", kServer + "}", "{token: \"canary\\nX-Other: b\"}",
             "token holds characters that no token has"},
        Case{"path_with_a_query", "{server: \"https://h/a?b\"}", "{}", "not the address of an API"},
        Case{"no_server", "{}", "{}", "server"},
        Case{"bad_data", kServer + ", certificate-authority-data: \"###\"}", "{}",
             "certificate-authority-data is not base64"},
        Case{"broken", "{server: [", "{}", "no YAML"}),
    [](const auto& test) { return test.param.name; });

TEST(KubeconfigFile, MayHoldCertificatesAndAPath) {
  test::TempDir directory;
  auto pki = test::Pki::make(directory.path("pki"));
  auto base64 = [](const std::string& file) {
    return test::run({.argv = {"base64", "-w0", file}}).out;
  };
  test::write_file(
      directory.path("config"),
      text_of("{server: \"https://rancher.example.com/k8s/clusters/c-1/\", tls-server-name: other, "
              "certificate-authority-data: " +
                  base64(pki.ca) + "}",
              "{client-certificate-data: " + base64(pki.client_cert) +
                  ", client-key-data: " + base64(pki.client_key) + "}"));
  auto access = from_kubeconfig(directory.path("config"));
  ASSERT_TRUE(access) << describe(access.error());
  EXPECT_EQ(access->server.url(), "https://rancher.example.com:443");
  EXPECT_EQ(access->base_path, "/k8s/clusters/c-1");
  EXPECT_EQ(access->tls.server_name, "other");
  EXPECT_EQ(test::read_file(access->tls.key), test::read_file(pki.client_key));
}

TEST(KubeconfigFile, IsRefusedWithoutItsTokenFile) {
  test::TempDir directory;
  test::write_file(directory.path("config"), text_of(kServer + "}", "{tokenFile: token}"));
  auto refused = from_kubeconfig(directory.path("config"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::denied);
  EXPECT_THAT(refused.error().message, HasSubstr("token file: open " + directory.path("token")));
  test::write_file(directory.path("token"), "t0ken");
  EXPECT_TRUE(from_kubeconfig(directory.path("config")));
}

TEST(KubeconfigFile, MustNameAContextThatIsThere) {
  test::TempDir directory;
  auto file = directory.path("config");
  test::write_file(file, "contexts: []\n");
  EXPECT_THAT(from_kubeconfig(file).error().message, HasSubstr("current-context is not set"));
  test::write_file(file, "current-context: a\ncontexts: [{name: b, context: {}}, 7]\n");
  EXPECT_THAT(from_kubeconfig(file).error().message, HasSubstr("there is no context named a"));
  EXPECT_EQ(from_kubeconfig(directory.path("none")).error().code, Code::not_found);
}

}  // namespace
}  // namespace snap::kube
