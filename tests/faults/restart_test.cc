// Servers of each kind that die in mid-copy: the copy goes on when they come back, and the run ends
// in time when they do not.
#include <filesystem>

#include "faults/placed.h"

namespace snap::faults {
namespace {

using namespace std::chrono_literals;

// `back`: the server is started again while the run still tries.
template <class Server, class Join>
void die_in_mid_copy(Server&& server, bool back, const std::string& name, Join join) {
  test::Proxy proxy(std::format("127.0.0.1:{}", server.port()));
  Placed scene(big_script());
  scene.stall = "5s";
  join(scene, server, proxy);
  ASSERT_EQ(scene.run().exit_code, 0);
  auto before = scene.before();
  proxy.play(test::ProxyScript{.to_server = {.stall_at = kMiddle}});
  auto process = scene.in_background();
  ASSERT_TRUE(test::wait_until([&] { return proxy.stalled() > 0; }));
  proxy.play(test::ProxyScript());
  server.kill();
  if (back) server.restart();
  proxy.cut_all();
  auto run = scene.finished(process, 40s);
  if (back) return expect_outcome(scene.agent, before, run, test::succeeds().within(40s));
  expect_outcome(scene.agent, before, run, test::ships_not_to({name}).within(40s), [&] {
    server.restart();
    return scene.run();
  });
}

class Dies : public testing::TestWithParam<bool> {};

TEST_P(Dies, AnNfsServer) {  // F-N03
  die_in_mid_copy(test::NfsServer(), GetParam(), "nas", [](auto& scene, auto& server, auto& proxy) {
    scene.nfs("nas", server, 4, proxy.port());
  });
}

TEST_P(Dies, AMirror) {  // F-H04
  die_in_mid_copy(
      test::SshServer(kNoCopies), GetParam(), "mirror/127.0.0.1",
      [](auto& scene, auto& server, auto& proxy) { scene.ssh("mirror", server, proxy.port()); });
}

TEST_P(Dies, ABucket) {  // F-O05
  die_in_mid_copy(test::S3Server(), GetParam(), "offsite",
                  [](auto& scene, auto& server, auto& proxy) {
                    scene.s3("offsite", server, std::format("http://127.0.0.1:{}", proxy.port()));
                  });
}

INSTANTIATE_TEST_SUITE_P(Back, Dies, testing::Values(true, false), [](const auto& test) {
  return std::string(test.param ? "and_comes_back" : "for_good");
});

}  // namespace
}  // namespace snap::faults
