#!/usr/bin/env python3
"""The configuration that the chart renders is one that the agent takes, and means what the values say."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import yaml

from chart import EXISTING, PV, S3, SYNC, config, merged

AGENT = os.environ["ETCD_SNAPSHOT"]
NAMED = merged(PV, {"cluster": "prod-east"})
SSH = {"name": "vault", "type": "ssh", "hosts": ["vault.example.com"], "user": "etcd", "directory": "/srv/etcd", "sshSecret": "vault-key",
       "knownHosts": "vault-hosts", "port": 2222, "prune": False}
MODES = {
    "pv": NAMED,
    "pv with every setting of its own": merged(NAMED, {
        "pv": {"server": "fd00::5", "driver": "csi"}, "nfs": {"version": 3, "port": 2050, "directory": "prod/east", "uid": 65534, "gid": 65534}}),
    "existing volume": merged(EXISTING, {"cluster": "prod-east"}),
    "sync": merged(SYNC, {"cluster": "prod-east"}),
    "sync with every setting of its own": merged(SYNC, {"cluster": "prod-east", "baseDomain": ".cluster.example.com", "sync": {
        "passphrase": True, "hostKeyPolicy": "accept-new", "knownHosts": "", "anyNode": True, "port": 22, "user": "etcd"}}),
    "more destinations": merged(NAMED, {"destinations": [
        dict(S3, region="eu-1", prefix="prod", addressing="virtual", sessionToken=True, caSecret="ca", encryption="sse-kms", kmsKeyId="k",
             proxy="http://proxy.example.com:3128", stallTimeout="2m"),
        SSH, {"name": "nas-2", "type": "nfs", "url": "nfs://10.0.0.6/exports", "version": 4, "uid": 0, "gid": 0}]}),
    "everything else": merged(NAMED, {
        "snapshot": {"directory": "/var/lib/etcd-snapshot", "purgeDays": 0, "reserve": "10GiB", "verifyLevel": "digest",
                     "include": ["/etc/kubernetes/extra"], "exclude": ["*.bak"]},
        "retention": {"keepLast": 7, "keepDaily": 14, "keepMonthly": 12, "maxSize": "1TiB"},
        "etcd": {"profile": "kubeadm", "endpoints": ["https://127.0.0.1:2379"], "cacert": "/etc/kubernetes/pki/etcd/ca.crt",
                 "cert": "/etc/kubernetes/c.crt", "key": "/etc/kubernetes/c.key", "serverName": "etcd.example.com", "stallTimeout": "2m",
                 "compareMembers": "require", "username": "root", "passwordSecret": "etcd-root"},
        "events": False,
        "metrics": {"textfileDirectory": "/var/lib/node-exporter", "pushgateway": "http://10.0.0.9:9091"}}),
}


def agent_on(rendered):
    """What the agent says of a configuration, in a directory where no run was made yet: it reads all of it and then finds no sets."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "config.yaml"
        file.write_text(yaml.safe_dump(rendered))
        done = subprocess.run([AGENT, "prune", "--dry-run", "--config", str(file), "--set", f"local.directory={folder}/sets"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return done.returncode, done.stdout


class Agent(unittest.TestCase):
    def test_takes_the_configuration_of_every_mode(self):
        for name, values in MODES.items():
            with self.subTest(name):
                status, said = agent_on(config(values))
                self.assertIn("no run has been made yet", said)
                self.assertEqual(status, 6, said)

    def test_would_refuse_a_key_that_it_does_not_know(self):
        status, said = agent_on(dict(config(NAMED), snapshot={"directory": "/x"}))
        self.assertIn("unknown key snapshot", said)
        self.assertEqual(status, 2)

    def test_is_told_what_the_values_say(self):
        self.assertEqual(config(NAMED)["destinations"], [{
            "name": "pv", "type": "nfs", "url": "nfs://10.0.0.5/exports/etcd", "version": 4, "uid": 0, "gid": 0}])
        found = config(MODES["pv with every setting of its own"])["destinations"][0]
        self.assertEqual(found["url"], "nfs://[fd00::5]:2050/exports/etcd")
        self.assertEqual((found["version"], found["directory"], found["uid"]), (3, "prod/east", 65534))
        found = config(EXISTING)["destinations"][0]
        self.assertEqual(found["persistentVolume"], "backup-volume")
        self.assertNotIn("url", found)
        found = config(SYNC)["destinations"][0]
        self.assertEqual((found["user"], found["port"], found["directory"]), ("core", 22, "/var/home/core/etcd-snapshots"))
        self.assertEqual((found["hostKeyPolicy"], found["anyNode"]), ("strict", False))
        self.assertEqual(config(merged(SYNC, {"sync": {"anyNode": True}}))["destinations"][0]["anyNode"], True)

    def test_an_export_may_be_the_servers_root(self):
        root = merged(NAMED, {"pv": {"path": "/"}, "destinations": [{"name": "efs", "type": "nfs", "url": "nfs://10.0.0.6/"}]})
        self.assertEqual(config(root)["destinations"][0]["url"], "nfs://10.0.0.5/")
        self.assertIn("no run has been made yet", agent_on(config(root))[1])

    def test_age_is_the_published_rule_of_retention(self):
        for values, expected in (
                ({}, {"keepWithin": "5d"}),
                ({"snapshot": {"purgeDays": 30}}, {"keepWithin": "30d"}),
                ({"snapshot": {"purgeDays": 0}}, {"keepWithin": "36500d"}),
                ({"retention": {"keepDaily": 7, "maxSize": "10GiB"}}, {"keepWithin": "5d", "keepDaily": 7, "maxSize": "10GiB"}),
                ({"retention": {"keepWithin": "12h"}}, {"keepWithin": "12h"})):
            self.assertEqual(config(merged(PV, values))["retention"], expected)

    def test_off_without_quotes_is_off(self):
        for written in ("off", "'off'", "false"):
            values = merged(PV, {"etcd": yaml.safe_load("compareMembers: " + written)})
            self.assertEqual(config(values)["etcd"], {"compareMembers": "off"}, written)
            self.assertIn("no run has been made yet", agent_on(config(merged(NAMED, values)))[1])

    def test_a_stream_without_a_name_is_named_by_the_agent(self):
        self.assertNotIn("cluster", config(PV))

    def test_a_large_number_stays_one(self):
        self.assertEqual(config(merged(PV, {"nfs": {"uid": 1000650000}}))["destinations"][0]["uid"], 1000650000)
        self.assertEqual(config(merged(PV, {"snapshot": {"reserve": 10737418240}}))["local"]["reserve"], 10737418240)
        self.assertEqual(config(merged(PV, {"retention": {"maxSize": 10737418240}}))["retention"]["maxSize"], 10737418240)
        values = merged(PV, {"destinations": [{"name": "n", "type": "nfs", "url": "nfs://a/b", "uid": 1000650000}]})
        self.assertEqual(config(values)["destinations"][1]["uid"], 1000650000)


if __name__ == "__main__":
    unittest.main()
