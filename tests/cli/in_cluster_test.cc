// Mirrors that are nodes, an export that is a PersistentVolume, Events: the program against an API
// that follows a script, with a real SSH server on a node.
#include "base/time.h"
#include "cli/scenes.h"
#include "support/fake_http.h"
#include "support/outcome.h"
#include "support/places.h"

namespace snap::cli {
namespace {

using nlohmann::json;
using test::FakeHttp;
using test::FakeReply;
using test::FakeRequest;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kMirrorAddress = "127.0.0.2";  // none of this host's own, so that it is no self

json node(const std::string& name, const std::string& address, bool master = true) {
  json made = {{"metadata", {{"name", name}, {"labels", json::object()}}},
               {"status",
                {{"conditions", {{{"type", "Ready"}, {"status", "True"}}}},
                 {"addresses", {{{"type", "InternalIP"}, {"address", address}}}}}}};
  if (master) made["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = "";
  return made;
}

std::string mirrors_of(const test::SshServer& server, const std::string& more) {
  return test::place(
      "mirrors",
      test::ssh_keys(server, {.hosts = "nodeSelectors: [etcd-snapshot.example.com/role=mirror]",
                              .known_hosts = more}));
}

class InCluster : public testing::Test {
 protected:
  InCluster() {
    // The administrator listed the mirror by the name of its node.
    auto listed = test::read_file(mirror.known_hosts());
    std::string by_name;
    for (size_t at = 0; at < listed.size();) {
      auto end = listed.find('\n', at);
      auto line = listed.substr(at, end - at);
      by_name += std::format("[master-2]:{}{}\n", mirror.port(), line.substr(line.find(' ')));
      at = end + 1;
    }
    test::write_file(agent.path("known_hosts"), by_name);
    test::write_file(agent.path("token"), "canary-token");
    test::write_file(agent.path("kubeconfig"),
                     "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                     "clusters: [{name: k, cluster: {server: \"" +
                         api.url() + "\"}}]\nusers: [{name: u, user: {tokenFile: token}}]\n");
    configure("knownHostsFile: " + agent.path("known_hosts"));
  }

  void configure(const std::string& more, const std::string& beside = {}) {
    agent.configure(
        {.endpoints = {fake.endpoint()},
         .more = std::format("kubernetes: {{kubeconfig: {}{}}}\ndestinations:\n{}",
                             agent.path("kubeconfig"), beside, mirrors_of(mirror, more))});
  }

  FakeReply answer(const FakeRequest& request) {
    auto reply = answer_without_date(request);
    if (!api_date.empty()) reply.headers.push_back(api_date);
    return reply;
  }

  FakeReply answer_without_date(const FakeRequest& request) {
    if (failing) return *failing;
    if (request.method == "POST") {
      events.push_back(json::parse(request.body));
      return event_reply;
    }
    return {.body = json({{"items", nodes}}).dump()};
  }

  std::vector<std::string> places_in(const test::Finished& finished) {
    std::vector<std::string> names;
    auto outcome = test::outcome_of(finished);
    for (const auto& place : outcome["places"])
      names.push_back(place["name"].get<std::string>() +
                      (place["verdict"] == "ok" ? "" : " failed"));
    return names;
  }

  std::vector<json> nodes = {node("node-1", "10.0.0.1"), node("master-2", kMirrorAddress)};
  std::optional<FakeReply> failing;
  std::string api_date;  // a header; empty: of now
  FakeReply event_reply = {.status = 201, .body = "{}"};
  std::vector<json> events;
  test::FakeGrpc fake = test::FakeGrpc(test::good_script());
  test::SshServer mirror = test::SshServer({.host = kMirrorAddress});
  FakeHttp api = FakeHttp([this](const FakeRequest& request) { return answer(request); });
  test::Agent agent;
};

TEST_F(InCluster, ShipsToLabelledNodesUnderTheirNames) {
  auto worker = node("worker-1", "127.0.0.9", false);
  nodes.push_back(worker);
  auto done = agent.run({"run"});
  ASSERT_EQ(done.exit_code, 0) << done.text();
  EXPECT_THAT(places_in(done), ElementsAre("local", "mirrors/master-2")) << "never node-1 itself";
  EXPECT_THAT(done.err, AllOf(HasSubstr("node master-2 at 127.0.0.2 is a mirror, ready"),
                              HasSubstr("no mirror is worker-1: no node of the control plane")));
  auto list = agent.run({"list"});
  EXPECT_EQ(list.exit_code, 0) << list.text();
  EXPECT_THAT(list.out, HasSubstr("mirrors/master-2"));
}

// F-K02
TEST_F(InCluster, ShipsToTheLastKnownMirrorsWhenTheApiDoesNotAnswer) {
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  std::vector<FakeReply> faults = {{.status = 401, .body = "{}"},
                                   // of what stands in front of it
                                   {.status = 302, .headers = {"Location: /login"}},
                                   {.status = 404, .body = "<html>no backend</html>"},
                                   {.status = 404, .body = R"({"reason": "NotFound"})"},
                                   {.status = 403, .body = R"({"message": "nodes is forbidden"})"},
                                   {.status = 429, .headers = {"Retry-After: 60"}, .body = "{}"},
                                   {.body = "{"},
                                   {.cut = true}};
  for (const auto& fault : faults) {
    failing = fault;
    test::Before before(agent);
    test::expect_outcome(agent, before, agent.run({"run"}),
                         test::succeeds().warning("what it said at"));
  }
  failing.reset();
  // Every set arrived there.
  auto list = agent.list();
  ASSERT_EQ(list.size(), faults.size() + 1) << list;
  for (const auto& set : list) EXPECT_EQ(set["where"].size(), 2U) << set;
}

// F-K02: nothing is known of the mirrors: the set is good here, and the run says who is missing.
TEST_F(InCluster, FailsForTheMirrorsOnlyWhereTheyWereNeverKnown) {
  failing = FakeReply{.status = 403, .body = R"({"message": "nodes is forbidden"})"};
  auto done = agent.run({"run"});
  EXPECT_EQ(done.exit_code, 5) << done.text();
  EXPECT_THAT(places_in(done), ElementsAre("local", "mirrors failed"));
  EXPECT_THAT(done.err, AllOf(HasSubstr("list nodes: status 403: nodes is forbidden"),
                              HasSubstr("ClusterRole that allows list on nodes")));
  EXPECT_EQ(agent.sets().size(), 1U);
  failing.reset();
  auto next = agent.run({"run"});
  EXPECT_EQ(next.exit_code, 0) << next.text();
  EXPECT_EQ(agent.list()[1]["where"].size(), 2U) << "the next run ships the old set, too";
}

// F-K02: a mirror that is gone from the list is no failure; that none is left is one.
TEST_F(InCluster, LeavesOutAMirrorThatIsGone) {
  nodes.push_back(node("master-3", "127.0.0.3"));
  auto down = agent.run({"run"});
  EXPECT_EQ(down.exit_code, 5) << down.text();
  EXPECT_THAT(places_in(down), ElementsAre("local", "mirrors/master-2", "mirrors/master-3 failed"));
  nodes.pop_back();
  EXPECT_EQ(agent.run({"run"}).exit_code, 0);
  nodes.pop_back();
  auto none = agent.run({"run"});
  EXPECT_EQ(none.exit_code, 5) << none.text();
  EXPECT_THAT(none.err, AllOf(HasSubstr("none of the nodes with the label "
                                        "etcd-snapshot.example.com/role=mirror can be a mirror"),
                              HasSubstr("kubectl label node")));
  nodes.clear();
  EXPECT_THAT(agent.run({"run"}).err, HasSubstr("no node carries the label"));
}

TEST_F(InCluster, TakesANodeThatReplacesAnotherForANewHost) {
  configure("hostKeyPolicy: accept-new");
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  // The same address, another machine.
  mirror.new_host_key();
  auto stolen = agent.run({"run"});
  EXPECT_EQ(stolen.exit_code, 5) << stolen.text();
  EXPECT_THAT(stolen.err, HasSubstr("the host's key has changed"));
  nodes.back()["metadata"]["name"] = "master-9";
  auto replaced = agent.run({"run"});
  EXPECT_EQ(replaced.exit_code, 0) << replaced.text();
  EXPECT_THAT(places_in(replaced), ElementsAre("local", "mirrors/master-9"));
  EXPECT_THAT(test::read_file(agent.sets_directory() + "/.state/known_hosts"),
              AllOf(HasSubstr("[master-2]:"), HasSubstr("[master-9]:")));
}

TEST_F(InCluster, ChecksNodesAndWritesNothing) {
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  std::filesystem::remove_all(agent.sets_directory() + "/.state");
  nodes.back()["status"]["conditions"][0]["status"] = "False";
  configure("knownHostsFile: " + agent.path("known_hosts"), ", events: true, namespace: backup");
  event_reply = {.status = 201, .body = R"({"status": {"allowed": false}})"};
  auto done = agent.run({"check"});
  EXPECT_EQ(done.exit_code, 0) << done.text();
  EXPECT_THAT(done.out, AllOf(HasSubstr("node master-2 at 127.0.0.2 is a mirror, not ready"),
                              HasSubstr("not allowed to create events in namespace backup"),
                              HasSubstr("a probe was written, read back and removed")));
  EXPECT_FALSE(std::filesystem::exists(agent.sets_directory() + "/.state/cluster-mirrors.json"));
}

TEST_F(InCluster, MakesAnEventOfEachRun) {
  configure("knownHostsFile: " + agent.path("known_hosts"), ", events: true, namespace: backup");
  auto command = agent.command({"run"});
  command.env["JOB_NAME"] = "nightly-1";
  command.env["JOB_UID"] = "0c0ffee0";
  command.env["POD_NAME"] = "nightly-1-abcde";
  ASSERT_EQ(agent.run(command).exit_code, 0);
  auto broken = agent.command({"run", "--endpoints", "http://127.0.0.1:9"});
  EXPECT_EQ(agent.run(broken).exit_code, 3);
  EXPECT_EQ(agent.run({"run", "--to", "nowhere"}).exit_code, 2) << "one that cannot begin, too";
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2]["reason"], "BackupFailed");
  EXPECT_THAT(events[2]["note"].get<std::string>(), HasSubstr("no destination is named nowhere"));
  EXPECT_EQ(events[0]["type"], "Normal");
  EXPECT_EQ(events[0]["reason"], "BackupSucceeded");
  EXPECT_EQ(events[0]["reportingInstance"], "nightly-1-abcde");
  EXPECT_EQ(events[0]["regarding"], json({{"apiVersion", "batch/v1"},
                                          {"kind", "Job"},
                                          {"namespace", "backup"},
                                          {"name", "nightly-1"},
                                          {"uid", "0c0ffee0"}}));
  EXPECT_THAT(events[0]["note"].get<std::string>(),
              AllOf(HasSubstr(agent.sets()[0]), HasSubstr("copies at mirrors/master-2")));
  EXPECT_EQ(events[1]["type"], "Warning");
  EXPECT_EQ(events[1]["reason"], "BackupFailed");
  EXPECT_EQ(events[1]["regarding"]["kind"], "Namespace");
  EXPECT_THAT(events[1]["note"].get<std::string>(), HasSubstr("exit status 3"));
}

// F-K02: a lost event is a warning.
TEST_F(InCluster, WarnsOfAnEventThatIsLost) {
  configure("knownHostsFile: " + agent.path("known_hosts"), ", events: true");
  event_reply = {.status = 403, .body = R"({"message": "events is forbidden"})"};
  auto done = agent.run({"run"});
  EXPECT_EQ(done.exit_code, 0) << done.text();
  EXPECT_THAT(test::outcome_of(done)["warnings"].dump(),
              HasSubstr("no Event of this run: create events.events.k8s.io in namespace default: "
                        "status 403: events is forbidden"));
}

// F-K06: names are by our own clock, and the difference is told once.
TEST_F(InCluster, TellsOfAClockThatIsNotTheApis) {
  configure("knownHostsFile: " + agent.path("known_hosts"), ", events: true");
  auto at = [](std::chrono::seconds ahead) {
    return std::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT", now_utc() + ahead);
  };
  api_date = at(std::chrono::minutes(-10));
  auto done = agent.run({"run"});
  EXPECT_EQ(done.exit_code, 0) << done.text();
  auto warnings = test::outcome_of(done)["warnings"].dump();
  auto told = warnings.find("clock: this host's clock is 10m");
  ASSERT_NE(told, warnings.npos) << warnings;
  EXPECT_THAT(warnings, HasSubstr("ahead of that of the cluster's API"));
  EXPECT_EQ(warnings.find("clock:", told + 1), warnings.npos) << warnings;
  EXPECT_EQ(agent.sets().size(), 1U);
  auto check = agent.run({"check"});
  EXPECT_THAT(check.out, HasSubstr("clock is 10m"));
  api_date = at(std::chrono::seconds(50));
  EXPECT_THAT(test::outcome_of(agent.run({"run"}))["warnings"].dump(),
              testing::Not(HasSubstr("clock:")));
}

TEST_F(InCluster, NeedsNoApiForPlacesThatDoNotAskIt) {
  agent.configure({.endpoints = {fake.endpoint()}});
  EXPECT_EQ(agent.run({"run"}).exit_code, 0);
  EXPECT_THAT(api.requests(), IsEmpty());
}

// A destination that nobody named is none of the API's business.
TEST_F(InCluster, AsksOnlyAboutDestinationsThatAreWanted) {
  ASSERT_EQ(agent.run({"run"}).exit_code, 0);
  auto set = agent.sets()[0];
  auto asked = [&, before = api.requests().size()](std::vector<std::string> args) mutable {
    auto done = agent.run(args);
    EXPECT_EQ(done.exit_code, 0) << done.text();
    auto more = api.requests().size() - before;
    before = api.requests().size();
    return more;
  };
  EXPECT_EQ(asked({"verify", "--at", "local"}), 0U);
  EXPECT_EQ(asked({"fetch", "--from", "local", set, agent.path("back")}), 0U);
  EXPECT_EQ(asked({"verify", "--at", "mirrors/master-2"}), 1U);
  EXPECT_EQ(asked({"verify", "--at", "mirrors"}), 1U);
  EXPECT_EQ(asked({"list"}), 1U);
  EXPECT_EQ(agent.run({"verify", "--at", "mirror"}).exit_code, 2);
  EXPECT_EQ(asked({"run", "--to", "mirrors"}), 1U);
}

TEST_F(InCluster, TakesAKubeconfigFromTheCommandLine) {
  agent.configure({.endpoints = {fake.endpoint()},
                   .more = "destinations:\n" +
                           mirrors_of(mirror, "knownHostsFile: " + agent.path("known_hosts"))});
  auto bare = agent.run({"run"});
  EXPECT_EQ(bare.exit_code, 5) << bare.text();
  EXPECT_THAT(bare.err, AllOf(HasSubstr("this is not a pod"), HasSubstr("--kubeconfig FILE")));
  EXPECT_EQ(agent.run({"run", "--kubeconfig", agent.path("kubeconfig")}).exit_code, 0);
}

TEST_F(InCluster, ReadsWhereAPersistentVolumeIs) {
  auto port = test::free_ports(1)[0];
  agent.configure(
      {.endpoints = {fake.endpoint()},
       .more = std::format("kubernetes: {{kubeconfig: {}}}\ndestinations:\n"
                           "- {{name: nas, type: nfs, persistentVolume: etcd, version: 3, "
                           "mountPort: {}, stallTimeout: 2s}}\n",
                           agent.path("kubeconfig"), port)});
  failing = FakeReply{.body = R"({"spec": {"nfs": {"server": "127.0.0.1", "path": "/exp"}}})"};
  auto done = agent.run({"run"});
  EXPECT_EQ(done.exit_code, 5) << "no NFS server is there\n" << done.text();
  EXPECT_EQ(test::outcome_of(done)["places"][1]["label"], "nfs://127.0.0.1/exp");
  EXPECT_EQ(api.requests()[0].target, "/api/v1/persistentvolumes/etcd");
  failing = FakeReply{.status = 503, .body = "{}"};
  EXPECT_THAT(agent.run({"run"}).err, HasSubstr("what it said at"));
  failing = FakeReply{.status = 404, .body = "{}"};
  EXPECT_THAT(agent.run({"run"}).err, HasSubstr("what it said at")) << "no API says that";
  failing = FakeReply{.status = 404, .body = R"({"kind": "Status", "reason": "NotFound"})"};
  auto gone = agent.run({"run"});
  EXPECT_EQ(test::outcome_of(gone)["places"][1]["label"], "persistent volume etcd");
  EXPECT_THAT(gone.err, HasSubstr("there is no PersistentVolume etcd"));
}

}  // namespace
}  // namespace snap::cli
