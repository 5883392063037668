// All destinations at once, on real servers: two mirrors, an NFS export, a bucket, and one place
// that is dead.
#include "support/places.h"
#include "cli/scenes.h"

namespace snap::cli {
namespace {

namespace fs = std::filesystem;
using test::Agent;
using test::FakeGrpc;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class Places : public testing::Test {
 protected:
  Places() { configure(true); }

  void configure(bool with_dead) {
    auto text = "destinations:\n" + test::place("mirrors", test::ssh_keys(mirror)) +
                test::place("nas", test::nfs_keys(nas)) +
                test::place("offsite", test::s3_keys(bucket));
    if (with_dead)
      text += std::format(
          "- {{name: dead, type: nfs, url: \"nfs://127.0.0.1:{}/exp\", stallTimeout: 2s}}\n", dead);
    agent.configure({.endpoints = {fake.endpoint()}, .more = text});
  }

  nlohmann::json place(const nlohmann::json& outcome, const std::string& name) {
    for (const auto& place : outcome.at("places"))
      if (place.at("name") == name) return place;
    ADD_FAILURE() << name << " is not in " << outcome;
    return nullptr;
  }

  std::string only_set() { return agent.sets().at(0); }

  FakeGrpc fake = FakeGrpc(test::good_script());
  test::SshServer mirror;
  test::NfsServer nas;
  test::S3Server bucket;
  int dead = test::free_ports(1).front();
  Agent agent;
};

const std::vector<std::string> kAlive = {"mirrors/127.0.0.1", "nas", "offsite"};

TEST_F(Places, ARunShipsToAllThatLiveAndNamesTheOneThatDoesNot) {
  auto run = agent.run({"run"});
  EXPECT_EQ(run.exit_code, 5) << run.text();
  auto outcome = test::outcome_of(run);
  for (const auto& name : kAlive) {
    auto facts = place(outcome, name);
    EXPECT_EQ(facts["verdict"], "ok") << facts;
    EXPECT_EQ(facts["proven"], true);
  }
  auto failed = place(outcome, "dead");
  EXPECT_EQ(failed["verdict"], "failed");
  EXPECT_THAT(failed["problem"].get<std::string>(), HasSubstr("refused"));
  EXPECT_EQ(outcome["places"][0]["verdict"], "ok");

  auto list = agent.run({"list"});
  EXPECT_EQ(list.exit_code, 5);
  EXPECT_THAT(list.out, HasSubstr("local, mirrors/127.0.0.1, nas, offsite"));
  EXPECT_THAT(list.err, HasSubstr("dead is UNREACHABLE"));
  auto sets = agent.list();
  EXPECT_THAT(sets[0]["missing"], IsEmpty());
}

TEST_F(Places, WhatAPlaceMissedIsCaughtUp) {
  configure(false);
  nas.kill();
  auto run = agent.run({"run"});
  EXPECT_EQ(run.exit_code, 5) << run.text();
  auto missed = only_set();
  nas.restart();
  auto sync = agent.run({"sync"});
  EXPECT_EQ(sync.exit_code, 0) << sync.text();
  EXPECT_THAT(agent.list()[0]["where"],
              UnorderedElementsAre("local", "mirrors/127.0.0.1", "nas", "offsite"));
  EXPECT_TRUE(fs::exists(nas.directory() + "/" + missed + "/manifest.json"));
}

// In a pod the host has another name than the node.
TEST_F(Places, ASyncTakesAwayWhatARunOfThisNodeLeft) {
  configure(false);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto left = mirror.directory() + "/sets/.incoming-prod-east_2026-11-20T013000Z_node-1";
  fs::create_directory(left);
  auto sync = agent.run({"sync"});
  EXPECT_EQ(sync.exit_code, 0) << sync.text();
  EXPECT_FALSE(fs::exists(left)) << sync.text();
  EXPECT_THAT(sync.err, HasSubstr("left by a run that did not end"));
}

TEST_F(Places, ASetComesBackFromTheNextPlaceWhenACopyIsDamaged) {
  configure(false);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto set = only_set();
  fs::remove_all(agent.set_path(set));
  for (const auto& entry : fs::directory_iterator(mirror.directory() + "/sets/" + set)) {
    if (entry.path().extension() != ".db") continue;
    auto text = test::read_file(entry.path());
    text[text.size() / 2] ^= 1;
    test::write_file(entry.path(), text);
  }
  auto fetched = agent.run({"fetch", set, agent.path("back")});
  ASSERT_EQ(fetched.exit_code, 0) << fetched.text();
  EXPECT_THAT(fetched.err, AllOf(HasSubstr("the copy at mirrors/127.0.0.1 cannot be used"),
                                 HasSubstr("fetched from nas")));
  EXPECT_EQ(agent.run({"verify", agent.path("back/" + set)}).exit_code, 0);

  auto verified = agent.run({"verify", "--at", "mirrors"});
  EXPECT_EQ(verified.exit_code, 4);
  EXPECT_THAT(verified.out, HasSubstr("DAMAGED"));
  EXPECT_EQ(agent.run({"verify", "--at", "nas"}).exit_code, 0);
  EXPECT_EQ(agent.run({"verify", "--at", "offsite", "--sample", "10%"}).exit_code, 0);
}

TEST_F(Places, ASetThatWasRemovedFromAPlaceIsNotShippedThereAgain) {
  configure(false);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto old = only_set();
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  ASSERT_EQ(agent.run({"remove", "--from", "offsite", "--force", old}).exit_code, 0);
  ASSERT_EQ(agent.run({"sync"}).exit_code, 0);
  for (const auto& row : agent.list()) {
    EXPECT_EQ(row["missing"].size(), row["set"] == old ? 1U : 0U) << row;
  }
}

TEST_F(Places, APinHoldsAtEveryPlace) {
  configure(false);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto set = only_set();
  ASSERT_EQ(agent.run({"pin", set}).exit_code, 0);
  auto dry = agent.run({"prune", "--dry-run", "-o", "json"});
  auto verdicts = nlohmann::json::parse(dry.out);
  ASSERT_EQ(verdicts["sets"].size(), 4U);
  for (const auto& row : verdicts["sets"]) EXPECT_EQ(row["reason"], "pinned") << row;
  EXPECT_EQ(agent.run({"remove", "--from", "nas", "--force", set}).exit_code, 2);
}

// A set that may lie at a place out of reach is not called missing.
TEST_F(Places, APinOfASetOutOfReachSaysSo) {
  configure(false);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto set = only_set();
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  ASSERT_EQ(agent.run({"remove", "--force", set}).exit_code, 0);
  for (const auto* from : {"mirrors", "offsite"})
    ASSERT_EQ(agent.run({"remove", "--force", "--from", from, set}).exit_code, 0);
  nas.kill();
  auto pin = agent.run({"pin", set});
  EXPECT_EQ(pin.exit_code, 5) << pin.text();
  EXPECT_THAT(pin.err, HasSubstr(set + " is at none of the places that could be reached"));
  nas.restart();
  EXPECT_EQ(agent.run({"pin", set}).exit_code, 0);
  EXPECT_EQ(agent.run({"pin", "prod-east_2020-01-01T000000Z_node-1"}).exit_code, 2);
}

TEST_F(Places, ALostSourceDirectoryHidesNoCopy) {
  configure(false);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto set = only_set();
  fs::remove_all(agent.sets_directory());
  auto list = agent.run({"list"});
  EXPECT_EQ(list.exit_code, 1) << list.text();
  EXPECT_THAT(list.out, AllOf(HasSubstr(set), HasSubstr("mirrors/127.0.0.1, nas, offsite")));
  EXPECT_THAT(list.err, HasSubstr("local is UNREACHABLE"));
  EXPECT_EQ(agent.run({"fetch", set, agent.path("back")}).exit_code, 0);
}

TEST_F(Places, EmptyingTheSourceRemovesNothingAnywhere) {
  configure(false);
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto set = only_set();
  fs::remove_all(agent.sets_directory());
  fs::create_directory(agent.sets_directory());
  fs::permissions(agent.sets_directory(), fs::perms(0700));
  EXPECT_EQ(agent.run({"sync"}).exit_code, 0);
  EXPECT_EQ(agent.run({"prune"}).exit_code, 0);
  EXPECT_THAT(agent.list()[0]["where"],
              UnorderedElementsAre("mirrors/127.0.0.1", "nas", "offsite"));
}

TEST_F(Places, ThatAreMistypedAreNotMadeByVerbsThatLook) {
  agent.configure(
      {.endpoints = {fake.endpoint()},
       .more = "destinations:\n" +
               test::place("nas", test::nfs_keys(nas) + ", directory: mistyped") +
               test::place("mirrors", test::ssh_keys(mirror, {.directory = "mistyped"}))});
  auto check = agent.run({"check"});
  EXPECT_EQ(check.exit_code, 0) << check.text();
  EXPECT_THAT(check.out, AllOf(HasSubstr("is it spelled right?"), Not(HasSubstr("FAILED"))));
  auto list = agent.run({"list"});
  EXPECT_THAT(list.err, AllOf(HasSubstr("nas is UNREACHABLE"), HasSubstr("is it spelled right?")));
  EXPECT_NE(
      agent.run({"fetch", "prod-east_2026-11-21T013000Z_node-1", agent.path("back")}).exit_code, 0);
  EXPECT_FALSE(fs::exists(nas.directory() + "/mistyped"));
  EXPECT_FALSE(fs::exists(mirror.directory() + "/mistyped"));
  auto run = agent.run({"run"});
  EXPECT_EQ(run.exit_code, 0) << run.text();
  EXPECT_TRUE(fs::exists(nas.directory() + "/mistyped/" + only_set()));
  EXPECT_EQ(agent.run({"list"}).exit_code, 0);
}

TEST_F(Places, CheckTriesEachAndLeavesNothing) {
  const std::vector<std::string> kStores = {nas.directory(), mirror.directory(),
                                            bucket.data() + "/" + bucket.bucket(),
                                            agent.sets_directory()};
  auto look = [&] {
    std::vector<std::map<std::string, std::string>> all;
    for (const auto& store : kStores) all.push_back(test::contents(store));
    return all;
  };
  ASSERT_EQ(agent.run({"run"}).exit_code, 5);
  auto before = look();
  auto check = agent.run({"check"});
  EXPECT_EQ(check.exit_code, 5) << check.text();
  for (const auto& name : kAlive) EXPECT_THAT(check.out, HasSubstr(name));
  EXPECT_THAT(check.out, HasSubstr("a probe was written, read back and removed"));
  EXPECT_THAT(check.out, HasSubstr("FAILED"));
  auto after = look();
  for (size_t i = 0; i < kStores.size(); ++i) {
    EXPECT_TRUE(before[i] == after[i]) << kStores[i];
    for (const auto& [path, content] : after[i]) EXPECT_TRUE(before[i].contains(path)) << path;
  }
}

}  // namespace
}  // namespace snap::cli
