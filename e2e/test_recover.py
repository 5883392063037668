"""The worst day: README's steps bring a control plane back from a set, and backups go on in the cluster that went back in time."""
import pathlib
import shutil
import unittest

import cluster
import servers
from cluster import LABEL, TOP, kubectl, sh, until

NAMESPACE, DIRECTORY = "recover", pathlib.Path("/var/lib/etcd-snapshot")
DATA, MANIFESTS = pathlib.Path("/var/lib/etcd"), pathlib.Path("/etc/kubernetes/manifests")


def restore_command(name):
    """README's restore, with this set, this member and this member's address."""
    lines = (TOP / "README.md").read_text().split("\n## Recover\n")[1].splitlines()
    first = next(number for number, line in enumerate(lines) if line.strip().startswith("etcdutl snapshot restore"))
    command = []
    for line in lines[first:]:
        command.append(line.strip().removesuffix("\\"))
        if not line.endswith("\\"):
            break
    text = " ".join(command)
    return text.replace("/SET/", f"/{name}/").replace("master-0", "cp-1").replace("10.0.0.1", cluster.NODE_ADDRESS.format(1))


class Recovered(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cluster.forget(NAMESPACE, DIRECTORY)
        cls.nfs = servers.Nfs("/exports/etcd")
        cluster.make_namespace(NAMESPACE)
        kubectl("label", "node", "cp-1", f"{LABEL}=snapshot")
        cls.release = cluster.Release(NAMESPACE)
        cls.release.install({"cluster": "prod-east", "image": cluster.image, "suspend": True,
                             "pv": {"server": servers.Nfs.address, "path": "/exports/etcd"},
                             "snapshot": {"directory": str(DIRECTORY), "reserve": "100MiB"}})

    @classmethod
    def tearDownClass(cls):
        cls.release.uninstall()
        cls.nfs.stop()
        kubectl("label", "node", "cp-1", f"{LABEL}-")

    def test_the_steps_of_the_readme_bring_the_state_of_the_set_back(self):
        kubectl("create", "configmap", "marker", "--from-literal=said=before")
        run = self.release.run()
        self.assertEqual(0, run.exit, run.log)
        kubectl("create", "configmap", "later", "--from-literal=said=after")
        later = self.release.run()
        self.assertEqual(0, later.exit, later.log)
        type(self).before = self.nfs.sets()

        stopped = MANIFESTS.with_name("manifests.stopped")
        MANIFESTS.rename(stopped)
        until("etcd and API server have ended", lambda: not any(sh("pgrep", "-x", name, check=False) for name in ("etcd", "kube-apiserver")), 120)
        old = cluster.work / "etcd.old"  # what is mounted there cannot be moved itself
        shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(DATA, old)
        shutil.rmtree(DATA / "member")
        sh("bash", "-euc", restore_command(run.outcome["set"]))
        stopped.rename(MANIFESTS)

        until("the API server answers", lambda: kubectl("get", "--raw", "/readyz") == "ok", 150)
        self.assertIn("before", kubectl("get", "configmap", "marker", "-o", "yaml"))
        self.assertIn("NotFound", kubectl("get", "configmap", "later", check=False))

    def test_backups_go_on_and_no_newer_set_is_lost(self):  # F-K07
        until("the controllers are back", lambda: "True" in kubectl("-n", "kube-system", "get", "pod", "kube-controller-manager-cp-1", "-o",
                                                                    'jsonpath={.status.conditions[?(@.type=="Ready")].status}'), 120)
        self.release.runs = 10  # names of Jobs that the cluster has forgotten stay unused
        run = self.release.run(180)
        self.assertEqual(0, run.exit, run.log)
        self.assertEqual(sorted([*self.before, run.outcome["set"]]), self.nfs.sets())
        self.assertEqual([], run.place("pv")["pruned"])
