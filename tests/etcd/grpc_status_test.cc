#include "etcd/grpc_status.h"

#include <gtest/gtest.h>

namespace snap::etcd {
namespace {

struct Case {
  std::string name, code, text;
  Code expected;
  AuthProblem problem = AuthProblem::none;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Status : public testing::TestWithParam<Case> {};
TEST_P(Status, BecomesAnError) {
  GrpcStatus status;
  status.header("grpc-status", GetParam().code);
  status.header("grpc-message", GetParam().text);
  ASSERT_FALSE(status.result());
  EXPECT_EQ(name_of(status.result().error().code), name_of(GetParam().expected));
  EXPECT_EQ(status.auth_problem(), GetParam().problem);
}

// The texts of 3.4 and 3.5 come with code 2, those of 3.6 with a code of their own.
INSTANTIATE_TEST_SUITE_P(
    Texts, Status,
    testing::Values(
        Case{"no_user_36", "3", "etcdserver: user name is empty", Code::denied,
             AuthProblem::no_user},
        Case{"no_user_35", "2", "auth: user name is empty", Code::denied, AuthProblem::no_user},
        Case{"not_root_36", "7", "etcdserver: permission denied", Code::denied,
             AuthProblem::no_permission},
        Case{"not_root_35", "2", "auth: permission denied", Code::denied,
             AuthProblem::no_permission},
        Case{"token_36", "16", "etcdserver: invalid auth token", Code::denied,
             AuthProblem::bad_token},
        Case{"token_35", "2", "auth: invalid auth token", Code::denied, AuthProblem::bad_token},
        Case{"roles_changed", "3", "etcdserver: revision of auth store is old", Code::denied,
             AuthProblem::bad_token},
        Case{"password", "3", "etcdserver: authentication failed, invalid user ID or password",
             Code::denied},
        Case{"learner_34", "14", "etcdserver: rpc not supported for learner", Code::denied},
        Case{"learner_36", "9", "etcdserver: rpc not supported for learner", Code::denied},
        Case{"compacted", "11", "etcdserver: mvcc: required revision has been compacted",
             Code::not_found},
        Case{"unknown_method", "12", "unknown service", Code::denied},
        Case{"stopped", "14", "etcdserver: server stopped", Code::unavailable},
        Case{"no_number", "zero", "", Code::unavailable},
        Case{"number_and_more", "0x", "", Code::unavailable}),
    [](const auto& test) { return test.param.name; });

TEST(GrpcStatus, MustBeThere) {
  GrpcStatus status;
  EXPECT_EQ(status.result().error().code, Code::unavailable);
  status.header("grpc-status", "0");
  EXPECT_TRUE(status.result());
}

TEST(GrpcStatus, ShowsControlCharactersAsSuch) {
  GrpcStatus status;
  status.header("grpc-status", "14");
  status.header("grpc-message", "a%1b[31mb%0a");
  EXPECT_EQ(status.result().error().message, "a\\x1b[31mb\\n");
}

}  // namespace
}  // namespace snap::etcd
