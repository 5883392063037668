#!/usr/bin/env python3
"""The chart at a real API server: what it takes, what it lets the agent do, and what install, upgrade and uninstall leave. There is no
kubelet: no pod runs."""
import json
import pathlib
import re
import tempfile
import unittest

from api_server import SCC, ApiServer
from chart import CHART, EXISTING, HELM, OPENSHIFT, PV, S3, SYNC, TOP, merged, objects, pod, text

RULE = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
        "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "names": {
            "kind": "PrometheusRule", "plural": "prometheusrules", "singular": "prometheusrule"}, "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                    "type": "object", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}}}]}}
ALL = {"destinations": [dict(S3, sessionToken=True, caSecret="ca")], "verify": {"schedule": "@weekly"}, "imagePullSecrets": [{"name": "pull"}],
       "metrics": {"textfileDirectory": "/var/lib/metrics", "prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}}}


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(ApiServer())
        for item in (SCC, RULE):
            cls.server.must("apply", "-f", "-", text=json.dumps(item))
            cls.server.must("wait", "--for=condition=Established", "crd", item["metadata"]["name"], "--timeout=30s")

    def namespace(self, name, level="privileged"):
        labels = {"pod-security.kubernetes.io/enforce": level}
        self.server.must("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
            # The controller manager would make this one.
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}]}))
        return name

    def helm(self, verb, release, namespace, values=None):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "values.yaml"
            file.write_text(json.dumps(values))
            chart = [] if values is None else [CHART, "-f", file]
            return self.server.run(HELM, verb, release, *chart, "--namespace", namespace)

    def must_helm(self, *arguments):
        status, out, errors = self.helm(*arguments)
        self.assertEqual(status, 0, errors)
        return out

    def test_takes_every_object_of_every_mode(self):
        self.namespace("etcd-backup")
        # It has to be there before a pod may name it.
        self.server.must("-n", "etcd-backup", "create", "serviceaccount", "backup-etcd-snapshot")
        for mode, profile, apis in (
                (PV, "privileged", ()), (merged(PV, {"pv": {"driver": "csi", "storageClassName": "nfs"}}), "narrow", OPENSHIFT),
                (EXISTING, "privileged", OPENSHIFT), (SYNC, "narrow", ()), (merged(SYNC, {"serviceAccount": {"use": False}}), "privileged", ())):
            values = merged(mode, ALL, {"securityProfile": profile})
            with self.subTest(f"{mode} {profile} {apis}"):
                # kubectl asks for strict validation: a field that the server does not know is an error.
                answer = self.server.must("apply", "--dry-run=server", "-o", "json", "-f", "-", text=text(values, apis=apis))
                found = json.loads(answer)["items"]
                self.assertEqual(len(found), len(objects(values, apis=apis)))
                kept = [item for item in found if item["kind"] == "CronJob" and not item["metadata"]["name"].endswith("-verify")]
                kept = kept[0]["spec"]["jobTemplate"]["spec"]
                self.assertEqual(kept["podReplacementPolicy"], "Failed")
                self.assertEqual(kept["template"]["spec"]["containers"][0]["securityContext"],
                                 pod(values, apis=apis)["containers"][0]["securityContext"])

    def test_the_account_may_do_what_its_mode_needs_and_nothing_else(self):
        event = ("create", "events.k8s.io", "events", "")
        scc = ("use", "security.openshift.io", "securitycontextconstraints", "privileged")
        nodes = [("list", "", "nodes", "")]
        volume = ("get", "", "persistentvolumes", "backup-volume")
        never = [("get", "", "persistentvolumes", "another"), ("list", "", "persistentvolumes", ""), ("get", "", "secrets", "mirror-key"),
                 ("get", "", "nodes", "cp-1"), ("list", "", "secrets", ""), ("get", "", "configmaps", "etcd-snapshot"), ("create", "", "pods", ""),
                 ("create", "batch", "jobs", ""), ("patch", "", "nodes", "cp-1"), ("delete", "events.k8s.io", "events", "x"),
                 ("use", "security.openshift.io", "securitycontextconstraints", "anyuid")]
        for mode, values, allowed in (("pv", PV, set()), ("sync", SYNC, set(nodes)), ("existing", EXISTING, {volume})):
            namespace = self.namespace(f"rights-{mode}")
            self.must_helm("install", "etcd-snapshot", namespace, values)
            account = f"{namespace}/etcd-snapshot"
            with self.subTest(mode):
                self.assertEqual(self.server.may(account, namespace, [event, scc, *nodes, volume, *never]), {event, scc} | allowed)
                self.assertEqual(self.server.may(account, "default", [event, scc]), set())

    # F-K05
    def test_pod_security_refuses_in_words_until_the_label_is_set(self):
        namespace = self.namespace("secure", level="restricted")
        for profile in ("privileged", "narrow"):
            values = merged(PV, {"securityProfile": profile, "serviceAccount": {"use": False}})
            check = [item for item in objects(values, namespace=namespace) if item["kind"] == "Pod"][0]
            status, _, errors = self.server.kubectl("create", "-f", "-", text=json.dumps(check))
            self.assertNotEqual(status, 0)
            self.assertIn("violates PodSecurity", errors)
            self.server.must("label", "--overwrite", "namespace", namespace, "pod-security.kubernetes.io/enforce=privileged")
            self.server.must("create", "--dry-run=server", "-f", "-", text=json.dumps(check))
            self.server.must("label", "--overwrite", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")

    def test_a_run_by_hand_and_any_other_verb_come_from_the_cron_job(self):
        namespace = self.namespace("by-hand")
        notes = self.must_helm("install", "etcd-snapshot", namespace, PV)
        self.server.must("-n", namespace, "create", "job", "first", "--from=cronjob/etcd-snapshot")
        line = re.search(r"^ +(oc -n by-hand create job list .*)$", notes, re.MULTILINE)[1]
        status, _, errors = self.server.run("bash", "-c", re.sub(r"\boc\b", "kubectl", line))
        self.assertEqual(status, 0, errors)
        for job, verb in (("first", "run"), ("list", "list")):
            container = self.server.get("-n", namespace, "job", job)["spec"]["template"]["spec"]["containers"][0]
            self.assertEqual(container["args"], [verb])

    def test_the_commands_of_readme_work_word_by_word(self):
        section = re.search(r"^## In a cluster\n(.*?)^## ", (TOP / "README.md").read_text(), re.MULTILINE | re.DOTALL)[1]
        commands = [line.strip() for line in section.splitlines() if line.startswith("    ")]
        for name in ("master-0", "master-1", "master-2"):
            self.server.must("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}))
        done = 0
        with tempfile.TemporaryDirectory() as folder:
            for file in ("id_ed25519", "known_hosts", "access-key", "secret-key"):
                (pathlib.Path(folder) / file).write_text("x")
            for name in ("chart", "values.yaml"):
                (pathlib.Path(folder) / name).symlink_to(TOP / name)
            for command in commands:
                # What needs a kubelet, and a network.
                if re.search(r" (wait|logs) |^helm test|^ssh-keyscan", command):
                    continue
                if command.startswith("kubectl create namespace"):
                    command += " && kubectl -n etcd-snapshot create serviceaccount default"  # the controller manager would
                command = re.sub(r"^oc\b", "kubectl", command).replace("helm ", f"{HELM} ")
                status, out, errors = self.server.run("bash", "-c", f"cd {folder} && {command}")
                self.assertEqual(status, 0, f"{command}: {out}{errors}")
                done += 1
        self.assertGreaterEqual(done, 12)
        jobs = self.server.get("-n", "etcd-snapshot", "jobs")["items"]
        self.assertEqual({job["metadata"]["name"]: job["spec"]["template"]["spec"]["containers"][0]["args"] for job in jobs},
                         {"first": ["run"], "list": ["list"]})
        labels = self.server.get("node", "master-2")["metadata"]["labels"]
        self.assertEqual(labels["etcd-snapshot.example.com/role"], "mirror")

    def test_the_notes_name_what_is_to_be_done(self):
        notes = self.must_helm("install", "a-release", self.namespace("notes"), merged(SYNC, {"destinations": [S3], "labelDomain": "corp.example.org"}))
        for line in ("oc label node NODE etcd-snapshot.corp.example.org/role=snapshot",
                     "oc label node NODE etcd-snapshot.corp.example.org/role=mirror",
                     "oc label --overwrite namespace notes pod-security.kubernetes.io/enforce=privileged",
                     "oc annotate --overwrite namespace notes openshift.io/node-selector=",
                     "oc -n notes create secret generic mirror-key --from-file=private=FILE",
                     "oc -n notes create configmap mirror-hosts --from-file=known_hosts=FILE",
                     "oc -n notes create secret generic s3-keys --from-file=ACCESS_KEY_ID=FILE --from-file=SECRET_ACCESS_KEY=FILE",
                     "helm test a-release -n notes --logs",
                     "oc -n notes create job --from=cronjob/a-release-etcd-snapshot first",
                     "until oc -n notes logs -f job/first | grep .; do sleep 2; done"):
            self.assertIn(f"   {line}", notes)
        self.assertNotIn("kubectl", notes)
        self.assertNotRegex(notes, r"\n\n\n")

    def test_upgrade_rollback_and_uninstall_lose_nothing(self):
        namespace = self.namespace("life")
        self.must_helm("install", "etcd-snapshot", namespace, PV)
        volume = self.server.get("-n", namespace, "pvc", "etcd-snapshot")["spec"]["volumeName"]
        self.must_helm("upgrade", "etcd-snapshot", namespace, merged(PV, {"schedule": "@daily"}))
        self.assertEqual(self.server.get("-n", namespace, "cronjob", "etcd-snapshot")["spec"]["schedule"], "@daily")
        self.must_helm("rollback", "etcd-snapshot", namespace)
        self.assertEqual(self.server.get("-n", namespace, "cronjob", "etcd-snapshot")["spec"]["schedule"], "30 13 * * *")
        self.must_helm("upgrade", "etcd-snapshot", namespace, SYNC)
        self.must_helm("uninstall", "etcd-snapshot", namespace)
        self.server.get("pv", volume)
        self.server.get("-n", namespace, "pvc", "etcd-snapshot")
        self.assertEqual(self.server.get("-n", namespace, "cronjob,role,rolebinding,configmap", "-l", "app.kubernetes.io/name=etcd-snapshot")["items"], [])
        # Over what was kept.
        self.must_helm("install", "etcd-snapshot", namespace, PV)
        self.assertEqual(self.server.get("-n", namespace, "pvc", "etcd-snapshot")["spec"]["volumeName"], volume)

    def test_another_server_needs_another_claim(self):
        namespace = self.namespace("moved")
        self.must_helm("install", "etcd-snapshot", namespace, PV)
        status, _, errors = self.helm("upgrade", "etcd-snapshot", namespace, merged(PV, {"pv": {"server": "10.0.0.6"}}))
        self.assertNotEqual(status, 0)
        self.assertIn("spec is immutable", errors)
        self.must_helm("upgrade", "etcd-snapshot", namespace, merged(PV, {"pv": {"server": "10.0.0.6", "name": "second"}}))
        self.assertEqual(len(self.server.get("-n", namespace, "pvc")["items"]), 2)

    def test_two_releases_live_side_by_side(self):
        for namespace, release in (("side", "by-side"), ("side-by", "side")):
            self.must_helm("install", release, self.namespace(namespace), SYNC)
        self.must_helm("uninstall", "by-side", "side")
        nodes = ("list", "", "nodes", "")
        self.assertEqual(self.server.may("side/by-side-etcd-snapshot", "side", [nodes]), set())
        self.assertEqual(self.server.may("side-by/side-etcd-snapshot", "side-by", [nodes]), {nodes})


if __name__ == "__main__":
    unittest.main()
