// The check of outcomes sees what it is there to see at destinations.
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "faults/placed.h"

namespace snap::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A healthy mirror, and one that lets nobody write.
class CheckPlaces : public testing::Test {
 protected:
  CheckPlaces() : read_only_({.sftp_server = std::string(SshServer::kSftpServer) + " -R"}) {
    fs::create_directory(read_only_.directory() + "/sets");
    scene_.ssh("good", mirror_);
    scene_.ssh("bad", read_only_);
    before_.emplace(scene_.before());
  }
  std::string said(const Expected& expected, const std::function<void()>& meddle = {},
                   bool mend = true) {
    auto run = scene_.run();
    if (meddle) meddle();
    testing::TestPartResultArray results;
    {
      testing::ScopedFakeTestPartResultReporter reporter(
          testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
      expect_outcome(scene_.agent, *before_, run, expected, [&] {
        if (mend) read_only_.change_sftp_server(SshServer::kSftpServer);
        return scene_.run();
      });
    }
    std::string text;
    for (int i = 0; i < results.size(); ++i)
      text += std::string(results.GetTestPartResult(i).message()) + "\n";
    return text;
  }
  std::string stored(int store) {
    return scene_.stores[static_cast<size_t>(store)].directory + "/" + scene_.agent.sets()[0];
  }

  SshServer mirror_, read_only_;
  faults::Placed scene_;
  std::optional<Before> before_;
};

const auto kBad = ships_not_to({"bad/127.0.0.1"});

TEST_F(CheckPlaces, IsContentWithOnePlaceThatFails) { EXPECT_EQ(said(kBad), ""); }

TEST_F(CheckPlaces, SeesThatAnotherPlaceFailedThanWasSaid) {
  EXPECT_THAT(said(ships_not_to({"good/127.0.0.1"})), HasSubstr("good/127.0.0.1"));
}

TEST_F(CheckPlaces, SeesASetAtTheFailingPlace) {
  EXPECT_THAT(said(kBad,
                   [&] {
                     fs::create_directory(stored(1));
                     write_file(stored(1) + "/manifest.json", "{}");
                   }),
              HasSubstr("is at bad/127.0.0.1"));
}

TEST_F(CheckPlaces, SeesThatAHealthyPlaceHasSomethingElse) {
  EXPECT_THAT(said(kBad, [&] { write_file(stored(0) + "/manifest.json", "{}"); }),
              HasSubstr("at good/127.0.0.1 is not what it is here"));
}

TEST_F(CheckPlaces, SeesThatTheNextRunDoesNotShipIt) {
  EXPECT_THAT(said(kBad, {}, false), HasSubstr("the next run"));
}

}  // namespace
}  // namespace snap::test
