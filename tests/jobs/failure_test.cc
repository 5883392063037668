#include "jobs/failure.h"

#include <gtest/gtest.h>

namespace snap::jobs {
namespace {

struct Case {
  Code code;
  Exit local;
  Exit etcd;
};
class ExitOf : public testing::TestWithParam<Case> {};
TEST_P(ExitOf, DependsOnTheSideItHappenedOn) {
  Error error{GetParam().code, "x", ""};
  EXPECT_EQ(local_exit(error), GetParam().local);
  EXPECT_EQ(etcd_exit(error), GetParam().etcd);
  EXPECT_EQ(argument_exit(error),
            GetParam().code == Code::not_found ? Exit::usage : GetParam().local);
}
INSTANTIATE_TEST_SUITE_P(Codes, ExitOf,
                         testing::Values(Case{Code::invalid, Exit::usage, Exit::usage},
                                         Case{Code::not_found, Exit::unexpected, Exit::etcd},
                                         Case{Code::exists, Exit::unexpected, Exit::etcd},
                                         Case{Code::denied, Exit::unexpected, Exit::etcd},
                                         Case{Code::unavailable, Exit::unexpected, Exit::etcd},
                                         Case{Code::timeout, Exit::unexpected, Exit::etcd},
                                         Case{Code::no_space, Exit::no_space, Exit::no_space},
                                         Case{Code::corrupt, Exit::damaged, Exit::damaged},
                                         Case{Code::cancelled, Exit::unexpected, Exit::unexpected},
                                         Case{Code::internal, Exit::unexpected, Exit::unexpected}),
                         [](const auto& test) { return std::string(name_of(test.param.code)); });

}  // namespace
}  // namespace snap::jobs
