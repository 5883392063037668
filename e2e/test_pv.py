"""mode: pv, as an administrator who reads README meets it: NFS export, chart, first run by hand, schedule, restore, upgrade, uninstall."""
import base64
import json
import pathlib
import re
import shutil
import subprocess
import tarfile
import time
import unittest

import cluster
import servers
from cluster import LABEL, TOP, get, kubectl, sh, until

SETS = pathlib.Path("/var/home/core/etcd-snapshots")
NAMESPACE = "etcd-snapshot"


def my_values():
    """The sample that an administrator copies, with his registry and his server."""
    text = (TOP / "values.yaml").read_text()
    text = re.sub(r"^image: .*", f"image: {cluster.image}", text, flags=re.MULTILINE)
    text = text.replace("10.0.0.5", servers.Nfs.address)
    text = text.replace("snapshot:\n", "snapshot:\n  reserve: 100MiB\n")  # whatever is free on this machine
    return text + "suspend: true\n"  # its hour may come while the scenarios run


def readme_commands():
    """The commands of README's part on clusters, up to the first look at the sets; those of OpenShift left out."""
    section = (TOP / "README.md").read_text().split("\n## In a cluster\n")[1].split("\n**Mirrors")[0]
    commands = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    return [command.replace("master-0", "cp-1") for command in commands if not command.startswith("oc ")]


def local_sets():
    return sorted(path.name for path in SETS.iterdir() if not path.name.startswith("."))


class OnAnNfsExport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cluster.forget(NAMESPACE, SETS)
        cls.nfs = servers.Nfs("/exports/etcd")
        kubectl("create", "configmap", "marker", "--from-literal=said=before the backup")
        cls.release = cluster.Release(NAMESPACE, "etcd-snapshot")

    @classmethod
    def tearDownClass(cls):
        cls.release.uninstall()
        cls.nfs.stop()
        kubectl("label", "node", "cp-1", f"{LABEL}-")

    def test_the_readme_leads_to_a_first_run_word_by_word(self):
        desk = cluster.work / "desk"
        shutil.rmtree(desk, ignore_errors=True)
        desk.mkdir()
        (desk / "chart").symlink_to(cluster.CHART)
        (desk / "values.yaml").write_text(my_values())
        said = {}
        for command in readme_commands():
            said[command] = sh("bash", "-euo", "pipefail", "-c", command, cwd=desk)
        answers = "\n".join(said.values())
        for kind in ("label node", "create namespace", "helm install", "helm test", "create job first", "logs job/first", "logs job/list"):
            self.assertTrue([command for command in said if all(word in command for word in kind.split())], f"README has no command to {kind}")
        self.assertIn("A backup would work", answers)
        self.assertIn("profile kubeadm", answers)
        self.assertIn("kubectl -n etcd-snapshot create job --from=cronjob/etcd-snapshot", answers)  # the notes
        listed = next(answer for command, answer in said.items() if "logs -f job/list" in command)
        self.assertRegex(listed, r"prod-east_\S+_cp-1.*local.*pv|prod-east_\S+_cp-1.*pv.*local")
        until("the claim is bound", lambda: get("pvc", "etcd-snapshot", NAMESPACE)["status"]["phase"] == "Bound")

    def test_a_run_by_hand_tells_its_story_and_ends_well(self):
        run = type(self).first = cluster.Run(NAMESPACE, "first")
        self.assertEqual(0, run.exit, run.log)
        self.assertEqual("cp-1", run.outcome["node"])
        self.assertEqual({"local": "ok", "pv": "ok"}, {place["name"]: place["verdict"] for place in run.outcome["places"]})
        self.assertTrue(run.place("pv")["proven"])
        self.assertEqual(run.outcome["set"], json.loads(run.message)["set"])  # what `kubectl describe pod` shows
        story = ["taking the snapshot", "its SHA-256 equals the member's", "proved it at level mvcc", "archived", "published"]
        positions = [run.log.find(step) for step in story]
        self.assertEqual(sorted(positions), positions)
        self.assertNotIn(-1, positions, run.log)
        self.assertRegex(run.log.splitlines()[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")
        self.assertTrue(run.log.splitlines()[-1].startswith('{"schema":1'), run.log)
        self.assertEqual([run.outcome["set"]], self.nfs.sets())
        self.assertEqual([run.outcome["set"]], local_sets())

    def test_an_event_of_the_job_tells_the_outcome(self):
        event = until("the event is there", lambda: [found for found in self.first.events() if "etcd-snapshot" in found["reportingComponent"]])[0]
        self.assertEqual(("Normal", "Job", "first"), (event["type"], event["involvedObject"]["kind"], event["involvedObject"]["name"]))

    def test_the_archive_holds_what_a_new_master_needs(self):
        archive = next((self.nfs.export / self.first.outcome["set"]).glob("static_kuberesources_*.tar.gz"))
        with tarfile.open(archive) as tar:
            names = tar.getnames()
        for file in ("manifests/etcd.yaml", "manifests/kube-apiserver.yaml", "pki/ca.key", "pki/sa.key", "pki/etcd/ca.key", "admin.conf"):
            self.assertIn(f"etc/kubernetes/{file}", names)

    def test_the_set_on_the_export_restores_with_the_stock_tool(self):
        copy = self.nfs.export / self.first.outcome["set"]
        snapshot = next(copy.glob("snapshot_*.db"))
        status = json.loads(sh("etcdutl", "snapshot", "status", snapshot, "-w", "json", stderr=subprocess.DEVNULL))
        self.assertEqual(self.first.outcome["snapshot"]["hash"], status["hash"])
        data = cluster.work / "restored"
        sh("etcdutl", "snapshot", "restore", snapshot, "--data-dir", data)
        url = "http://127.0.0.1:12379"
        with (cluster.work / "log/restored.log").open("w") as log:
            member = subprocess.Popen(["etcd", "--data-dir", data, "--listen-client-urls", url, "--advertise-client-urls", url,
                                       "--listen-peer-urls", "http://127.0.0.1:12380"], stdout=log, stderr=log)
        try:
            key = "/registry/configmaps/default/marker"
            found = until("the restored member answers", lambda: json.loads(
                sh("etcdctl", "--endpoints", url, "get", key, "-w", "json", stderr=subprocess.DEVNULL)))
            self.assertIn(b"before the backup", base64.b64decode(found["kvs"][0]["value"]))
        finally:
            member.kill()
            member.wait()

    def test_the_schedule_fires_by_itself(self):  # F-K03
        # The next full minute that leaves ten seconds to install.
        due = time.gmtime((int(time.time()) + 70) // 60 * 60)
        self.release.upgrade(my_values(), "--set", f"schedule={due.tm_min} {due.tm_hour} * * *", "--set", "suspend=false")
        found = until("the schedule has started a job", lambda: [
            job["metadata"]["name"] for job in json.loads(kubectl("-n", NAMESPACE, "get", "job", "-o", "json"))["items"]
            if job["metadata"]["name"].startswith(f"{self.release.object}-")], 90)
        run = self.release.finish(found[0])
        self.assertEqual(0, run.exit, run.log)
        self.assertEqual(1, len(found))
        self.assertIn(run.outcome["set"], self.nfs.sets())
        self.assertEqual(2, len(self.nfs.sets()))

    def test_the_narrow_profile_does_the_same(self):  # F-K05
        self.release.upgrade(my_values(), "--set", "securityProfile=narrow")
        run = self.release.run()
        self.assertEqual(0, run.exit, run.log)
        self.assertTrue(run.place("pv")["proven"])
        context = get("pod", run.pod, NAMESPACE)["spec"]["containers"][0]["securityContext"]
        self.assertEqual((False, True, ["ALL"]),
                         (context["privileged"], context["readOnlyRootFilesystem"], context["capabilities"]["drop"]))

    def test_a_rollback_leaves_every_set(self):
        before = (local_sets(), self.nfs.sets())
        sh("helm", "-n", NAMESPACE, "rollback", self.release.name, "1")
        self.assertEqual("30 13 * * *", get("cronjob", self.release.object, NAMESPACE)["spec"]["schedule"])
        self.assertEqual(before, (local_sets(), self.nfs.sets()))

    def test_uninstalled_and_installed_again_it_goes_on_over_the_kept_volume(self):
        before = (local_sets(), self.nfs.sets())
        volume = get("pvc", "etcd-snapshot", NAMESPACE)["spec"]["volumeName"]
        self.release.uninstall()
        self.assertEqual("Bound", get("pvc", "etcd-snapshot", NAMESPACE)["status"]["phase"])
        self.assertEqual("Bound", get("pv", volume)["status"]["phase"])
        self.assertEqual(before, (local_sets(), self.nfs.sets()))
        self.release.install(my_values())
        run = self.release.run()
        self.assertEqual(0, run.exit, run.log)
        self.assertEqual(sorted([*before[1], run.outcome["set"]]), self.nfs.sets())
        self.assertEqual(volume, get("pvc", "etcd-snapshot", NAMESPACE)["spec"]["volumeName"])

    def test_an_existing_volume_can_be_named_instead(self):
        volume = get("pvc", "etcd-snapshot", NAMESPACE)["spec"]["volumeName"]
        other = cluster.Release(NAMESPACE, "named")
        other.install(my_values(), "--set", "pv.create=false", "--set", f"pv.name={volume}", "--set", "pv.server=", "--set", "pv.path=",
                      "--set", "snapshot.directory=/var/home/core/named")
        run = other.run()
        other.uninstall()
        self.assertEqual(0, run.exit, run.log)
        self.assertIn(run.outcome["set"], self.nfs.sets())
