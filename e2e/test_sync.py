"""mode: sync on three nodes: mirrors found by label, each with a network and an sshd of its own; dead, strange and new ones."""
import json
import subprocess
import unittest

import cluster
import servers
from cluster import LABEL, kubectl, sh

NAMESPACE, DIRECTORY = "sync", "/var/home/core/etcd-snapshots"


class OnMirrors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cluster.add_nodes(2, 3)
        cluster.forget(NAMESPACE, DIRECTORY + "-sync")
        cluster.make_namespace(NAMESPACE)
        key = cluster.work / "client"
        for name in (key, key.with_suffix(".pub")):
            name.unlink(missing_ok=True)
        # A file that both the Debian 13 root and this machine see.
        sh(cluster.TOP / "scripts/root", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        cls.mirrors = {}
        for number in (2, 3):
            cls.add_mirror(number)
        kubectl("label", "node", "cp-1", f"{LABEL}=snapshot")
        kubectl("label", "node", "cp-2", "etcd-snapshot.example.com=mirror")
        kubectl("label", "node", "cp-3", f"{LABEL}=mirror")
        kubectl("-n", NAMESPACE, "create", "secret", "generic", "mirrors-ssh", f"--from-file=private={key}")
        cls.know_hosts()
        cls.release = cluster.Release(NAMESPACE)
        cls.release.install({"cluster": "prod-east", "image": cluster.image, "suspend": True, "mode": "sync",
                             "sync": {"sshSecret": "mirrors-ssh", "knownHosts": "mirrors"},
                             "snapshot": {"directory": DIRECTORY + "-sync", "reserve": "100MiB"}})

    @classmethod
    def tearDownClass(cls):
        cls.release.uninstall()
        for mirror in cls.mirrors.values():
            mirror.stop()
        kubectl("label", "node", "cp-1", f"{LABEL}-")

    @classmethod
    def add_mirror(cls, number):
        mirror = servers.Ssh(number)
        mirror.authorize((cluster.work / "client.pub").read_text())
        mirror.start()
        cls.mirrors[number] = mirror

    @classmethod
    def know_hosts(cls):
        """One line by the node's name, the others by address, as administrators mix them."""
        lines = [mirror.known_host(f"cp-{number}" if number == 2 else mirror.address) for number, mirror in cls.mirrors.items()]
        kubectl("-n", NAMESPACE, "delete", "configmap", "mirrors", "--ignore-not-found")
        kubectl("-n", NAMESPACE, "create", "configmap", "mirrors", f"--from-literal=known_hosts={''.join(lines)}")

    def sets(self, number):
        return self.mirrors[number].sets(DIRECTORY + "-sync")

    def verdicts(self, run):
        return {place["name"]: place["verdict"] for place in run.outcome["places"]}

    def test_each_labelled_node_gets_a_proven_copy(self):
        run = self.release.run()
        self.assertEqual(0, run.exit, run.log)
        self.assertEqual({"local": "ok", "mirrors/cp-2": "ok", "mirrors/cp-3": "ok"}, self.verdicts(run), run.log)
        self.assertTrue(all(place["proven"] for place in run.outcome["places"]))
        for number in (2, 3):
            self.assertEqual([run.outcome["set"]], self.sets(number))
            copy = cluster.host(number, f"{DIRECTORY}-sync/{run.outcome['set']}")
            manifest = json.loads((copy / "manifest.json").read_text())
            status = json.loads(sh("etcdutl", "snapshot", "status", copy / manifest["snapshot"]["file"], "-w", "json", stderr=subprocess.DEVNULL))
            self.assertEqual(run.outcome["snapshot"]["hash"], status["hash"])

    def test_a_dead_mirror_delays_no_other_and_is_caught_up(self):
        self.mirrors[3].stop()
        failed = self.release.run()
        self.assertEqual(5, failed.exit, failed.log)
        self.assertEqual("ok", self.verdicts(failed)["mirrors/cp-2"])
        self.assertRegex(failed.log, r"(warn|error) .*cp-3")
        self.mirrors[3].start()
        run = self.release.run()
        self.assertEqual(0, run.exit, run.log)
        self.assertEqual([failed.outcome["set"]], run.place("mirrors/cp-3")["caught_up"])
        self.assertEqual(self.sets(2), self.sets(3))

    def test_a_host_key_that_changed_is_refused_and_named(self):
        self.mirrors[3].stop()
        self.mirrors[3].new_host_key()
        self.mirrors[3].start()
        before = self.sets(3)
        run = self.release.run()
        self.assertEqual(5, run.exit, run.log)
        self.assertRegex(run.log, "error destination mirrors/cp-3: .* key has changed")
        self.assertEqual(before, self.sets(3))

    # F-K02
    def test_a_mirror_replaced_by_a_new_node_gets_the_history(self):
        cluster.add_nodes(4)
        self.mirrors.pop(3).stop()
        kubectl("delete", "node", "cp-3")
        kubectl("label", "node", "cp-4", f"{LABEL}=mirror")
        self.add_mirror(4)
        self.know_hosts()
        run = self.release.run()
        self.assertEqual(0, run.exit, run.log)
        self.assertEqual({"local", "mirrors/cp-2", "mirrors/cp-4"}, set(self.verdicts(run)))
        self.assertEqual(self.sets(2), self.sets(4))

    def test_no_mirror_at_all_is_said(self):
        kubectl("label", "node", "cp-2", "etcd-snapshot.example.com-")
        kubectl("label", "node", "cp-4", f"{LABEL}-")
        run = self.release.run()
        self.assertEqual(5, run.exit, run.log)
        self.assertEqual({"local": "ok", "mirrors": "failed"}, self.verdicts(run), run.log)
        self.assertIn(f"no node carries the label {LABEL}=mirror or etcd-snapshot.example.com=mirror (label another node: kubectl", run.log)
        kubectl("label", "node", "cp-2", "etcd-snapshot.example.com=mirror")
        kubectl("label", "node", "cp-4", f"{LABEL}=mirror")
