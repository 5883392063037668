// A set on its way back while the place that it comes from is lost.
#include <filesystem>

#include "faults/placed.h"

namespace snap::faults {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

// The server is gone at once, or nothing moves any more.
enum class Loss { dies, falls_silent };

template <class Server>
class Lost {
 public:
  template <class Join>
  explicit Lost(Join join) {
    join(scene, server, proxy);
    EXPECT_EQ(scene.run().exit_code, 0);
    set = scene.agent.sets().at(0);
    original = test::contents(scene.agent.set_path(set));
  }

  // Where the set lies at other places only.
  test::Finished fetch(Loss loss) {
    if (fs::exists(scene.agent.set_path(set)))
      fs::rename(scene.agent.set_path(set), scene.agent.path("aside"));
    proxy.play(test::ProxyScript{.to_client = {.stall_at = kMiddle}});
    auto command = scene.agent.command({"fetch", set, scene.agent.path("back")});
    command.output_file = scene.agent.path("run.log");
    fs::remove(command.output_file);
    test::Process process(command);
    EXPECT_TRUE(test::wait_until([&] { return proxy.stalled() > 0; }));
    if (loss == Loss::dies) {
      server.kill();
      proxy.cut_all();
    } else {
      proxy.freeze();
    }
    return scene.finished(process, 40s);
  }
  std::string fetched() const { return scene.agent.path("back/" + set); }
  void expect_whole() const {
    auto back = test::contents(fetched());
    ASSERT_EQ(back.size(), original.size());
    for (auto a = original.begin(), b = back.begin(); a != original.end(); ++a, ++b)
      EXPECT_TRUE(a->second == b->second) << b->first;
    EXPECT_EQ(scene.agent.run({"verify", fetched()}).exit_code, 0);
  }

  Server server;
  test::Proxy proxy = test::Proxy(std::format("127.0.0.1:{}", server.port()));
  Placed scene = Placed(big_script());
  std::string set;
  std::map<std::string, std::string> original;
};

// F-X04: nothing stands under the final name; the next place is asked; and when there is none, the
// same command works as soon as the place is back.
template <class Server, class Join>
void lose(Loss loss, Join join) {
  Lost<Server> lost(join);
  auto alone = lost.fetch(loss);
  EXPECT_EQ(alone.exit_code, 5) << alone.text();
  EXPECT_THAT(alone.text(), HasSubstr("cannot be used"));
  EXPECT_TRUE(fs::is_empty(lost.scene.agent.path("back"))) << "nothing half done either";
  if (loss == Loss::dies) lost.server.restart();
  lost.proxy.thaw();
  lost.proxy.play(test::ProxyScript());
  test::SshServer spare;
  lost.scene.ssh("spare", spare);
  fs::rename(lost.scene.agent.path("aside"), lost.scene.agent.set_path(lost.set));
  ASSERT_EQ(lost.scene.agent.run({"sync"}).exit_code, 0);
  auto fetched = lost.fetch(loss);
  EXPECT_EQ(fetched.exit_code, 0) << fetched.text();
  EXPECT_THAT(fetched.text(), HasSubstr("fetched from spare/127.0.0.1"));
  lost.expect_whole();
  lost.scene.agent.expect_nothing_left();
}

class LostInMidFetch : public testing::TestWithParam<Loss> {};

TEST_P(LostInMidFetch, AnExport) {
  lose<test::NfsServer>(GetParam(), [](auto& scene, auto& server, auto& proxy) {
    scene.nfs("nas", server, 4, proxy.port());
  });
}
TEST_P(LostInMidFetch, AMirror) {
  lose<test::SshServer>(GetParam(), [](auto& scene, auto& server, auto& proxy) {
    scene.ssh("mirror", server, proxy.port());
  });
}
TEST_P(LostInMidFetch, ABucket) {
  lose<test::S3Server>(GetParam(), [](auto& scene, auto& server, auto& proxy) {
    scene.s3("offsite", server, std::format("http://127.0.0.1:{}", proxy.port()));
  });
}

INSTANTIATE_TEST_SUITE_P(Loss, LostInMidFetch, testing::Values(Loss::dies, Loss::falls_silent),
                         [](const auto& test) {
                           return std::string(test.param == Loss::dies ? "dies" : "falls_silent");
                         });

}  // namespace
}  // namespace snap::faults
