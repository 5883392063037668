// The table of causes: what makes each, and what is to be said about it.
#include "cli/causes.h"

namespace snap::cli {
namespace {

using test::HashKvScript;
using test::SnapshotScript;
using Ending = SnapshotScript::Ending;
using Causes = std::vector<Cause>;

SnapshotScript ending(Ending how) {
  auto script = test::good_script();
  script.stop_after = 9000;
  script.ending = how;
  return script;
}

SnapshotScript refusing(int status, const std::string& text) {
  SnapshotScript script{.stop_after = 0};
  script.grpc_status = status;
  script.grpc_message = text;
  return script;
}

SnapshotScript telling(const HashKvScript& hash) {
  auto script = test::good_script();
  script.hash_kv = hash;
  return script;
}

std::string data() { return test::snapshot_data(test::small_database(), 4096); }

const std::vector<std::string> kRun{"run"};
const std::vector<std::string> kImpatient{"run", "--set", "etcd.stallTimeout=1s"};
const std::vector<std::string> kRequire{"run", "--set", "etcd.compareMembers=require"};
const std::vector<std::string> kList{"list"};
const std::string kLook = "look at the member's log";
const std::string kHangs = "the member or the way to it hangs";

Causes of_etcd() {
  return {
      {"E01_refused",
       {"run", "--endpoints", "http://127.0.0.1:9"},
       3,
       "http://127.0.0.1:9: connection refused",
       "is etcd running"},
      {"E03_unknown_name",
       {"run", "--endpoints", "http://no-such-host.invalid:2379"},
       3,
       "cannot resolve no-such-host.invalid",
       "check the name, or use an address"},
      {"E03_no_brackets", {"run", "--endpoints", "https://::1:2379"}, 2, "etcd.endpoints", "write"},
      {"E04_no_leader", kRun, 3, "no leader", "most members are down", {.member = {.leader = 0}}},
      {"E07_stall", kImpatient, 3, "no progress for 1 s", kHangs, {.script = ending(Ending::hang)}},
      {"E08_empty_messages",
       kImpatient,
       3,
       "no progress for 1 s",
       kHangs,
       {.script = {.repeat = test::snapshot_message(12288, "")}}},
      {"E09_cut", kRun, 3, "http://127.0.0.1:", kLook, {.script = ending(Ending::fin)}},
      {"E09_reset", kRun, 3, "http://127.0.0.1:", kLook, {.script = ending(Ending::reset)}},
      {"E10_no_status",
       kRun,
       3,
       "the answer ended without a status",
       "",
       {.script = ending(Ending::end_stream)}},
      {"E11_no_trailer", kRun, 4, "trailer", "", {.script = {.body = data()}}},
      {"E11_wrong_trailer",
       kRun,
       4,
       "does not match its own SHA-256",
       "something on the way",
       {.script = {.body = data() + test::snapshot_message(0, std::string(32, 'x'), "3.6.0")}}},
      {"E12_busy", kRun, 3, "too many requests", "", {.script = refusing(8, "too many requests")}},
      {"E13_more_than_announced",
       kRun,
       4,
       "inconsistent",
       "",
       {.script = {.body = test::snapshot_message(10, std::string(4096, 'x')) +
                           test::snapshot_message(8000, std::string(4096, 'x'))}}},
      {"E14_compacted",
       kRequire,
       3,
       "compacted: fake cannot tell",
       "mend that",
       {.script = telling({.grpc_status = 11,
                           .grpc_message = "etcdserver: mvcc: required revision has been "
                                           "compacted"})}},
      {"E15_differ",
       kRun,
       4,
       "members differ",
       "look with etcdctl endpoint hashkv",
       {.script = telling({.hash = 1})}},
      {"E15_silent",
       kRequire,
       3,
       "not compared with fake",
       "mend that",
       {.script = telling({.grpc_status = 12, .grpc_message = "unknown method"})}},
      {"E16_corrupt", kRun, 3, "CORRUPT", "replace the damaged member", {.member = {.alarm = 2}}},
      {"E17_learner",
       kRun,
       3,
       "only a learner answered",
       "a learner's data may be far",
       {.member = {.is_learner = true}}},
      {"E21_no_such_certificate",
       {"run", "--cert", "/no/such/crt", "--key", "/no/such/key"},
       2,
       "/no/such/",
       ""},
      {"E22_no_maintenance",
       kRun,
       3,
       "unknown service",
       "this is no etcd, or a proxy",
       {.script = refusing(12, "unknown service etcdserverpb.Maintenance")}},
      {"E22_bad_gateway", kRun, 3, "502", "", {.script = {.http_status = 502}}},
      {"E23_no_user",
       kRun,
       3,
       "user name is empty",
       "authentication is on",
       {.script = refusing(3, "etcdserver: user name is empty")}},
      {"E23_no_right",
       kRun,
       3,
       "permission denied",
       "a snapshot needs an etcd user with the role root",
       {.script = refusing(7, "etcdserver: permission denied")}},
      {"E25_grown", kRun, 8, "not enough space", "", {.member = {.db_size = 1ULL << 60}}},
  };
}

Causes of_this_host() {
  return {
      {"L01_no_room", kRun, 8, "not enough space", "", {.local = "  reserve: 900TiB\n"}},
      {"L09_parent_missing", {"run", "--set", "local.directory=/no/such/place"}, 2, "/no/such", ""},
      {"L11_name_taken", {"run", "--set", "SET"}, 1, "SET", ""},
      {"V11_directory", {"status", "DIR"}, 2, "DIR", ""},
      {"V11_no_such_file", {"verify", "DIR/none.db"}, 2, "DIR/none.db", "name a snapshot file"},
      {"V11_no_such_file_to_look_at", {"status", "DIR/none.db"}, 2, "DIR/none.db", ""},
      {"R01_missing_file",
       kRun,
       4,
       "host files are incomplete: /no/such/file",
       "correct resources.include",
       {.include = ", /no/such/file"}},
      {"P11_newest_proven", {"remove", "SET"}, 2, "it is the newest proven", "it always stays"},
      {"P11_no_such_set",
       {"remove", "prod-east_2020-01-01T000000Z_node-1"},
       2,
       "prod-east_2020-01-01T000000Z_node-1",
       ""},
      {"P11_other_cluster",
       {"remove", "prod-west_2020-01-01T000000Z_node-1"},
       2,
       "is a set of cluster prod-west",
       "name the configuration of that cluster"},
  };
}

Causes of_destinations() {
  const std::string kMirror =
      "- {name: mirror, type: ssh, hosts: [127.0.0.1], port: 9, user: u, directory: /d, "
      "privateKeyFile: DIR/member.db, knownHostsFile: DIR/member.db}\n";
  const std::string kOffsite =
      "- {name: offsite, type: s3, endpoint: \"http://127.0.0.1:9\", bucket: backups, "
      "accessKeyFile: /no/such/key, secretKeyFile: /no/such/key}\n";
  const std::string kNas = "- {name: nas, type: nfs, url: \"nfs://127.0.0.1:9/e\"}\n";
  return {
      {"N01_refused",
       kRun,
       5,
       "destination nas: connect to 127.0.0.1:9",
       "is the server running",
       {.more = "destinations:\n" + kNas}},
      {"H01_refused", kRun, 5, "127.0.0.1", "", {.more = "destinations:\n" + kMirror}},
      {"O13_no_such_key", kRun, 5, "/no/such/key", "", {.more = "destinations:\n" + kOffsite}},
      {"C02_one_name_twice",
       kList,
       2,
       "two destinations are named nas",
       "",
       {.more = "destinations:\n" + kNas + kNas}},
  };
}

Causes of_configuration() {
  return {
      {"C01_unknown_key",
       kList,
       2,
       "unknown key retention.keepLats",
       "did you mean keepLast?",
       {.more = "retention:\n  keepLats: 5\n"}},
      {"C01_not_closed",
       kList,
       2,
       "a list in [ ] is not closed",
       "add the ]",
       {.more = "verify: [a\n"}},
      {"C01_tab",
       kList,
       2,
       "indented by a tab",
       "YAML wants spaces",
       {.more = "verify:\n\tlevel: digest\n"}},
      {"C01_indentation",
       kList,
       2,
       "config.yaml:",
       "",
       {.more = "verify:\n    level: digest\n  other: x\n"}},
      {"C03_cluster_name",
       {"list", "--set", "cluster=Prod_20"},
       2,
       "cluster: \"Prod_20\"",
       "use 1 to 63"},
      {"C04_password_in_a_flag",
       {"save", "--user", "root:x", "DIR/x.db"},
       2,
       "a password must not stand on the command line",
       "write it into a file"},
      {"C04_password_in_the_file", kRun, 2, "unknown key", "", {.more = "password: x\n"}},
      {"C06_no_such_config",
       {"list", "--config", "/no/such/config"},
       2,
       "/no/such/config",
       "name another one with --config"},
  };
}

}  // namespace

std::vector<Cause> causes() {
  Causes all;
  for (auto&& some : {of_etcd(), of_this_host(), of_destinations(), of_configuration()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace snap::cli
