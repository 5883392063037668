#include "net/endpoint.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace snap::net {
namespace {

struct Case {
  std::string name, text, shown;  // the URL, or the error
  bool local = false;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Parse : public testing::TestWithParam<Case> {};
TEST_P(Parse, ReadsOrRefuses) {
  auto endpoint = parse_endpoint(GetParam().text, 2379, true);
  EXPECT_EQ(endpoint ? endpoint->url() : describe(endpoint.error()), GetParam().shown);
  if (endpoint) {
    EXPECT_EQ(endpoint->is_local(), GetParam().local);
  } else {
    EXPECT_EQ(endpoint.error().code, Code::invalid);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, Parse,
    testing::Values(
        Case{"name", "https://etcd-0.etcd:2380", "https://etcd-0.etcd:2380"},
        Case{"plain", "http://10.0.0.1:2379", "http://10.0.0.1:2379"},
        Case{"no_scheme", "127.0.0.1:2379", "https://127.0.0.1:2379", true},
        Case{"no_port", "https://localhost/", "https://localhost:2379", true},
        Case{"ipv6", "https://[::1]:2379", "https://[::1]:2379", true},
        Case{"ipv6_no_port", "http://[2001:db8::1]", "http://[2001:db8::1]:2379"},
        Case{"loopback_net", "http://127.9.9.9:1", "http://127.9.9.9:1", true},
        Case{"only_looks_like_loopback", "http://127.example.com:1", "http://127.example.com:1"},
        Case{"unix_socket", "unix:///run/etcd.sock", "unix:///run/etcd.sock", true},
        Case{"unix_relative", "unix://etcd.sock",
             "endpoint unix://etcd.sock: a unix socket needs a path from /"},
        Case{"ipv6_without_brackets", "https://2001:db8::1:2379",
             "endpoint https://2001:db8::1:2379: an IPv6 address without brackets (write it as "
             "https://[2001:db8::1]:2379)"},
        Case{"bracket_open", "http://[::1:2379",
             "endpoint http://[::1:2379: no ] after the IPv6 address"},
        Case{"no_ipv6_inside", "http://[abc]:1",
             "endpoint http://[abc]:1: no IPv6 address between the brackets"},
        Case{"scheme", "ftp://a:1",
             "endpoint ftp://a:1: unknown scheme ftp (use https://HOST:2379)"},
        Case{"path", "https://a:1/v3", "endpoint https://a:1/v3: unexpected path"},
        Case{"query", "https://a:1?x=secret", "endpoint https://a:1: unexpected path"},
        Case{"user", "https://u:secret@a:1",
             "endpoint https://a:1: user and password do not belong into an endpoint"},
        Case{"port_0", "http://a:0", "endpoint http://a:0: the port is no number from 1 to 65535"},
        Case{"port_65536", "http://a:65536",
             "endpoint http://a:65536: the port is no number from 1 to 65535"},
        Case{"port_text", "http://a:1x",
             "endpoint http://a:1x: the port is no number from 1 to 65535"},
        Case{"port_empty", "http://a:", "endpoint http://a:: no port after the colon"},
        Case{"empty", "", "endpoint : no host"},
        Case{"space", "http://a b:1", "endpoint http://a b:1: not the name of a host"},
        Case{"line_end", "http://a\r\n:1", "endpoint http://a\\x0d\\n:1: not the name of a host"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace snap::net
