// The configuration file: what is accepted shows every value in a form that is accepted again.
#include "config/config.h"

#include "fuzz/target.h"

namespace snap::fuzz {
namespace {

std::vector<std::string> seeds() {
  return {
      "cluster: prod-east\nlocal:\n  directory: /var/lib/etcd-snapshot\n",
      "cluster: a\nlocal: {directory: /b, reserve: 10GiB}\n"
      "etcd: {profile: none, endpoints: [https://127.0.0.1:2379], stallTimeout: 1m30s,\n"
      "  cacert: /a, cert: /b, key: /c}\nretention: {keepLast: 3, keepWithin: 5d, maxSize: 1GB}\n",
      "{\"cluster\": \"a\\u00e4\", \"resources\": {\"include\": [\"/etc/x\"], \"exclude\": "
      "[\"*.bak\"]}}",
      "etcd:\n  username: root\n  passwordFile: |\n    /etc/pw\nverify: {level: digest}\n"
      "report: {metricsFile: /m}\n",
      "a: &a [x]\nb: *a\n",
      "%YAML 1.2\n---\n- ? x\n"};
}

void run(std::string_view input) {
  auto config = config::parse(input, "c.yaml", {}, config::Need::nothing);
  if (!config) {
    require(config.error().code == Code::invalid);
    for (unsigned char c : describe(config.error())) require(c == '\n' || (c >= 0x20 && c != 0x7F));
    return;
  }
  if (!config->cluster.empty()) require(config::is_cluster_name(config->cluster));
  require(!config::describe(*config).empty());
}

}  // namespace

Target config() { return {"config", seeds, run}; }

}  // namespace snap::fuzz
