#!/usr/bin/env python3
"""What is rendered: the schedule's Job, where it runs, what it may, where copies go. Each trap that the chart must not fall into is
a test of its own."""
import pathlib
import re
import shutil
import tempfile
import unittest

import yaml

from chart import CHART, EXISTING, OPENSHIFT, PV, S3, SYNC, TOP, config, container, helm, merged, objects, one, pod, text

NARROW = {"securityProfile": "narrow"}
BIG = merged(PV, {"destinations": [S3], "verify": {"schedule": "@weekly"}, "metrics": {
    "textfileDirectory": "/var/lib/node-exporter", "prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}}})
MODES = {"pv": PV, "existing volume": EXISTING, "sync": SYNC, "narrow": merged(PV, NARROW), "everything": BIG}


def mounts(values, **options):
    return {mount["mountPath"]: mount for mount in container(values, **options)["volumeMounts"]}


def volumes(values, **options):
    return {volume["name"]: volume for volume in pod(values, **options)["volumes"]}


class Job(unittest.TestCase):
    def test_schedule_as_published(self):
        spec = one(PV, "CronJob")["spec"]
        self.assertEqual(spec["schedule"], "30 13 * * *")
        self.assertEqual(spec["timeZone"], "Etc/UTC")
        self.assertEqual(spec["concurrencyPolicy"], "Forbid")
        self.assertEqual(spec["startingDeadlineSeconds"], 600)
        self.assertEqual((spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]), (3, 3))
        self.assertIs(spec["suspend"], False)

    def test_the_limit_of_time_is_the_jobs_not_the_pods(self):
        job = one(PV, "CronJob")["spec"]["jobTemplate"]["spec"]
        self.assertEqual(job["activeDeadlineSeconds"], 21600)
        self.assertNotIn("activeDeadlineSeconds", job["template"]["spec"])
        self.assertEqual((job["completions"], job["parallelism"], job["backoffLimit"]), (1, 1, 2))
        # It would remove the last log before the limits of history do.
        self.assertNotIn("ttlSecondsAfterFinished", job)
        self.assertEqual(job["template"]["spec"]["restartPolicy"], "Never")
        self.assertEqual(job["template"]["spec"]["terminationGracePeriodSeconds"], 60)

    def test_only_failures_that_a_repeat_may_mend_are_repeated(self):
        rules = one(PV, "CronJob")["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
        self.assertEqual(rules[0], {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]})
        self.assertEqual(rules[1]["action"], "FailJob")
        codes = rules[1]["onExitCodes"]
        self.assertEqual((codes["operator"], codes["values"]), ("In", [2, 4, 5, 6, 7, 8]))
        self.assertEqual(codes["containerName"], container(PV)["name"])
        self.assertEqual(len(rules), 2)

    def test_fields_only_where_the_server_knows_them(self):
        first = {"timeZone": "1.27", "podFailurePolicy": "1.26", "podReplacementPolicy": "1.29"}
        for version in ("1.25", "1.26", "1.27", "1.28", "1.29", "1.33", "1.29.3-eks-a1b2c3", "1.30+"[:-1]):
            spec = one(PV, "CronJob", kubernetes=version)["spec"]
            found = {**spec, **spec["jobTemplate"]["spec"]}
            for field, since in first.items():
                with self.subTest(f"{field} in {version}"):
                    self.assertEqual(field in found, int(version.split(".")[1][:2]) >= int(since.split(".")[1]))

    def test_every_object_is_of_an_api_that_is_not_gone(self):
        known = {"CronJob": "batch/v1", "ConfigMap": "v1", "ServiceAccount": "v1", "Pod": "v1", "PersistentVolume": "v1",
                 "PersistentVolumeClaim": "v1", "PrometheusRule": "monitoring.coreos.com/v1",
                 "SecurityContextConstraints": "security.openshift.io/v1",
                 **{kind: "rbac.authorization.k8s.io/v1" for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")}}
        for name, values in MODES.items():
            for item in objects(values, apis=OPENSHIFT):
                with self.subTest(f"{name}: {item['kind']}"):
                    self.assertEqual(item["apiVersion"], known[item["kind"]])

    def test_no_job_outside_of_a_cron_job(self):
        for values in MODES.values():
            self.assertNotIn("Job", {item["kind"] for item in objects(values)})

    def test_the_environment_is_text_and_no_secret(self):
        for values in MODES.values():
            for entry in container(values)["env"]:
                self.assertEqual(set(entry), {"name", "valueFrom"})
                self.assertEqual(set(entry["valueFrom"]), {"fieldRef"})

    def test_each_variable_is_one_that_the_agent_reads(self):
        table = (TOP / "docs/cli.md").read_text().partition("\n## Environment\n")[2].partition("\n## ")[0]
        read = {name for row in re.findall(r"^\| ([A-Z_, ]+) \|", table, re.MULTILINE) for name in row.split(", ")}
        sources = {entry["name"]: entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in container(PV)["env"]}
        self.assertEqual(sources, {"NODE_NAME": "spec.nodeName", "POD_NAME": "metadata.name", "JOB_NAME": "metadata.labels['job-name']",
                                   "JOB_UID": "metadata.labels['controller-uid']"})
        self.assertLessEqual(set(sources), read)

    def test_run_and_nothing_else_whatever_the_mode(self):
        for values in MODES.values():
            self.assertEqual(len(pod(values)["containers"]), 1)
            self.assertNotIn("initContainers", pod(values))
            self.assertEqual(container(values)["args"], ["run"])
            self.assertNotIn("command", container(values))

    def test_the_outcome_is_the_termination_message(self):
        self.assertEqual(config(PV)["report"]["terminationMessage"], "/dev/termination-log")
        self.assertEqual(container(PV)["terminationMessagePolicy"], "FallbackToLogsOnError")

    def test_helm_test_runs_the_doctor_in_the_same_pod(self):
        for values in MODES.values():
            test = one(values, "Pod")
            self.assertEqual(test["metadata"]["annotations"]["helm.sh/hook"], "test")
            spec = test["spec"]
            self.assertEqual(spec["containers"][0].pop("args"), ["check"])
            expected = pod(values)
            expected["containers"][0].pop("args")
            self.assertEqual(spec, expected)

    def test_verify_is_a_cron_job_only_when_it_is_asked_for(self):
        self.assertEqual([item["metadata"]["name"] for item in objects(PV) if item["kind"] == "CronJob"], ["backup-etcd-snapshot"])
        for mode, place in ((PV, "pv"), (SYNC, "mirrors")):
            verify = one(merged(mode, {"verify": {"schedule": "0 3 * * 0"}}), "CronJob", "backup-etcd-snapshot-verify")["spec"]
            self.assertEqual(verify["schedule"], "0 3 * * 0")
            arguments = verify["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"]
            self.assertEqual(arguments, ["verify", "--at", place, "--sample", "10%"])


class Placement(unittest.TestCase):
    def terms(self, values):
        affinity = pod(values)["affinity"]["nodeAffinity"]
        self.assertEqual(list(affinity), ["requiredDuringSchedulingIgnoredDuringExecution"])
        found = []
        for term in affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]:
            self.assertEqual(list(term), ["matchExpressions"])
            label, role = term["matchExpressions"]
            self.assertEqual((label["operator"], label["values"], role["operator"]), ("In", ["snapshot"], "Exists"))
            found.append((label["key"], role["key"]))
        return found

    def test_either_label_on_a_control_plane_node(self):
        self.assertEqual(self.terms(PV), [(label, f"node-role.kubernetes.io/{role}")
                                          for label in ("etcd-snapshot.example.com/role", "etcd-snapshot.example.com")
                                          for role in ("control-plane", "master")])

    def test_one_domain_for_pod_and_mirrors(self):
        for domain in ("corp.example.org", "etcd-snapshot.corp.example.org"):
            values = merged(SYNC, {"labelDomain": domain})
            self.assertEqual({label for label, _ in self.terms(values)},
                             {"etcd-snapshot.corp.example.org/role", "etcd-snapshot.corp.example.org"})
            self.assertEqual(config(values)["destinations"][0]["nodeSelectors"],
                             ["etcd-snapshot.corp.example.org/role=mirror", "etcd-snapshot.corp.example.org=mirror"])

    def test_etcd_nodes_that_are_no_control_plane_nodes(self):
        roles = {role for _, role in self.terms(merged(PV, {"nodeRoles": ["etcd"]}))}
        self.assertEqual(roles, {"node-role.kubernetes.io/etcd"})

    def test_only_the_taints_of_control_plane_nodes_are_tolerated(self):
        usual = [{"key": f"node-role.kubernetes.io/{role}", "operator": "Exists", "effect": "NoSchedule"}
                 for role in ("master", "control-plane")]
        self.assertEqual(pod(PV)["tolerations"], usual)
        self.assertEqual(pod(merged(PV, {"tolerationLabelKey": "node-role.kubernetes.io/control-plane"}))["tolerations"], usual)
        self.assertEqual(pod(merged(PV, {"tolerationLabelKey": ""}))["tolerations"], usual)
        self.assertEqual(pod(merged(PV, {"tolerationLabelKey": "CriticalAddonsOnly"}))["tolerations"],
                         [*usual, {"key": "CriticalAddonsOnly", "operator": "Exists"}])

    def test_priority_only_when_it_is_given(self):
        self.assertNotIn("priorityClassName", pod(PV))
        self.assertEqual(pod(merged(PV, {"priorityClassName": "system-cluster-critical"}))["priorityClassName"], "system-cluster-critical")


class Privilege(unittest.TestCase):
    def test_neither_profile_sees_the_hosts_root_its_processes_or_writes_what_it_reads(self):
        for name, values in MODES.items():
            with self.subTest(name):
                spec = pod(values)
                self.assertFalse(spec.get("hostPID") or spec.get("hostIPC"))
                paths = {volume["hostPath"]["path"] for volume in spec["volumes"] if "hostPath" in volume}
                self.assertNotIn("/", paths)
                written = {path for path, mount in mounts(values).items() if not mount.get("readOnly")}
                self.assertEqual(written, {"/var/home/core/etcd-snapshots"} | ({"/var/lib/node-exporter"} & paths))

    def test_privileged_as_published(self):
        self.assertEqual(container(PV)["securityContext"], {"runAsUser": 0, "privileged": True})

    def test_narrow_drops_what_is_not_needed(self):
        for values in (merged(PV, NARROW), merged(SYNC, NARROW)):
            self.assertEqual(container(values)["securityContext"], {
                "runAsUser": 0, "runAsGroup": 0, "privileged": False, "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True, "seccompProfile": {"type": "RuntimeDefault"}, "seLinuxOptions": {"type": "spc_t"},
                "capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH", "DAC_OVERRIDE", "NET_BIND_SERVICE"]}})

    def test_names_are_resolved_by_the_node_unless_told_otherwise(self):
        self.assertIs(pod(PV)["hostNetwork"], True)
        self.assertEqual(pod(PV)["dnsPolicy"], "Default")

    def test_host_paths_of_other_distributions(self):
        values = merged(PV, {"hostPaths": ["/etc/rancher/rke2", "/var/lib/rancher/rke2"]})
        self.assertNotIn("/etc/kubernetes", mounts(values))
        for path in ("/etc/rancher/rke2", "/var/lib/rancher/rke2"):
            self.assertIs(mounts(values)[path]["readOnly"], True)
            self.assertEqual(volumes(values)[mounts(values)[path]["name"]]["hostPath"], {"path": path, "type": "Directory"})

    def test_the_directory_of_the_sets_is_made(self):
        self.assertEqual(volumes(PV)["sets"]["hostPath"], {"path": "/var/home/core/etcd-snapshots", "type": "DirectoryOrCreate"})

    def test_no_limit_on_the_processor(self):
        self.assertEqual(container(PV)["resources"], {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}})

    def test_mounts_and_volumes_fit(self):
        for name, values in MODES.items():
            with self.subTest(name):
                used = [mount["name"] for mount in container(values)["volumeMounts"]]
                self.assertEqual(sorted(used), sorted(volumes(values)))
                self.assertEqual(len(mounts(values)), len(used))
                self.assertFalse([mount for mount in container(values)["volumeMounts"] if "subPath" in mount])


class Secrets(unittest.TestCase):
    def test_are_files_that_only_root_reads(self):
        values = merged(SYNC, {"sync": {"passphrase": True}, "destinations": [
            dict(S3, sessionToken=True, caSecret="s3-ca"),
            {"name": "vault", "type": "ssh", "hosts": ["v"], "user": "etcd", "directory": "/srv", "sshSecret": "vault-key",
             "knownHosts": "vault-hosts"}],
            "etcd": {"username": "root", "passwordSecret": "etcd-root"}})
        found = {}
        for volume in volumes(values).values():
            if "secret" in volume:
                self.assertEqual(volume["secret"]["defaultMode"], 0o400)
                self.assertNotIn("optional", volume["secret"])
                found[volume["secret"]["secretName"]] = [item["key"] for item in volume["secret"]["items"]]
        self.assertEqual(found, {"mirror-key": ["private", "passphrase"], "vault-key": ["private"], "etcd-root": ["password"],
                                 "s3-keys": ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"], "s3-ca": ["ca-bundle.pem"]})

    def test_every_file_that_the_agent_is_told_of_is_mounted(self):
        values = merged(SYNC, {"sync": {"passphrase": True}, "destinations": [
            dict(S3, sessionToken=True, caSecret="s3-ca"),
            {"name": "vault", "type": "ssh", "hosts": ["v"], "user": "etcd", "directory": "/srv", "sshSecret": "vault-key",
             "knownHosts": "vault-hosts", "passphrase": True}],
            "etcd": {"username": "root", "passwordSecret": "etcd-root"}})
        files = {(key, value) for place in [*config(values)["destinations"], config(values)["etcd"]]
                 for key, value in place.items() if key.endswith("File")}
        self.assertEqual(len(files), 11)
        for key, path in files:
            with self.subTest(key):
                folder, _, name = path.rpartition("/")
                volume = volumes(values)[mounts(values)[folder]["name"]]
                items = volume.get("secret", {}).get("items")
                self.assertTrue("projected" in volume if items is None else name in [item["path"] for item in items])

    def test_host_keys_come_from_a_config_map_or_a_secret(self):
        sources = volumes(SYNC)["known-hosts"]["projected"]["sources"]
        self.assertEqual(sources, [{"configMap": {"name": "mirror-hosts", "optional": True}},
                                   {"secret": {"name": "mirror-hosts", "optional": True}}])

    def test_none_is_made_out_of_values(self):
        for values in MODES.values():
            self.assertNotIn("Secret", {item["kind"] for item in objects(values)})


class Rights(unittest.TestCase):
    def rules(self, values, **options):
        """{(scope, group, resource, names): verbs}, every rule of every role."""
        found = {}
        for role in objects(values, **options):
            if role["kind"] in ("Role", "ClusterRole"):
                for rule in role["rules"]:
                    for group in rule["apiGroups"]:
                        for resource in rule["resources"]:
                            found[(role["kind"], group, resource, tuple(rule.get("resourceNames", ())))] = rule["verbs"]
        return found

    EVENTS = {("Role", "events.k8s.io", "events", ()): ["create"]}
    NODES = {("ClusterRole", "", "nodes", ()): ["list"]}
    VOLUME = {("ClusterRole", "", "persistentvolumes", ("backup-volume",)): ["get"]}
    PRIVILEGED = {("Role", "security.openshift.io", "securitycontextconstraints", ("privileged",)): ["use"]}

    def test_exactly_what_each_mode_needs(self):
        off = {"events": False}
        self.assertEqual(self.rules(PV), self.EVENTS)
        self.assertEqual(self.rules(merged(PV, off)), {})
        self.assertEqual(self.rules(SYNC), {**self.EVENTS, **self.NODES})
        self.assertEqual(self.rules(merged(SYNC, off)), self.NODES)
        self.assertEqual(self.rules(EXISTING), {**self.EVENTS, **self.VOLUME})
        self.assertEqual(self.rules(merged(PV, off), apis=OPENSHIFT), self.PRIVILEGED)
        self.assertEqual(self.rules(merged(SYNC, {"pv": {"create": False}})), {**self.EVENTS, **self.NODES})

    def test_narrow_uses_a_constraint_of_its_own_on_openshift(self):
        values = merged(PV, NARROW)
        own = one(values, "SecurityContextConstraints", apis=OPENSHIFT)
        name = own["metadata"]["name"]
        self.assertIn(("Role", "security.openshift.io", "securitycontextconstraints", (name,)), self.rules(values, apis=OPENSHIFT))
        context = container(values)["securityContext"]
        self.assertEqual(own["allowedCapabilities"], context["capabilities"]["add"])
        self.assertEqual(own["requiredDropCapabilities"], ["ALL"])
        for key in ("allowPrivilegedContainer", "allowPrivilegeEscalation", "allowHostPID", "allowHostIPC", "allowHostPorts"):
            self.assertIs(own[key], False)
        self.assertEqual((own["users"], own["groups"]), ([], []))
        kinds = {kind for volume in pod(values)["volumes"] for kind in volume if kind != "name"}
        self.assertTrue(kinds <= set(own["volumes"]))

    def test_the_pod_asks_for_its_constraint_by_name(self):
        for values, scc in ((PV, "privileged"), (merged(PV, NARROW), "etcd-snapshot.etcd-backup.backup-etcd-snapshot")):
            for item in objects(values, apis=OPENSHIFT):
                if item["kind"] == "CronJob":
                    item = item["spec"]["jobTemplate"]["spec"]["template"]
                if item.get("kind", "Pod") == "Pod":
                    self.assertEqual(item["metadata"]["annotations"]["openshift.io/required-scc"], scc)

    def test_nothing_of_openshift_elsewhere(self):
        for values in MODES.values():
            self.assertNotIn("openshift", text(values))

    def test_no_wildcards_no_secrets_no_escalation(self):
        for values in MODES.values():
            for (_, group, resource, _), verbs in self.rules(values, apis=OPENSHIFT).items():
                self.assertNotIn("*", (group, resource, *verbs))
                self.assertNotEqual(resource, "secrets")
                self.assertFalse({"deletecollection", "impersonate", "escalate", "bind"} & set(verbs))

    def test_the_token_is_there_only_where_the_api_is_asked(self):
        self.assertIs(pod(PV)["automountServiceAccountToken"], True)
        self.assertIs(pod(merged(PV, {"events": False}))["automountServiceAccountToken"], False)
        for mode in (SYNC, EXISTING):
            self.assertIs(pod(merged(mode, {"events": False}))["automountServiceAccountToken"], True)
        self.assertIs(one(PV, "ServiceAccount")["automountServiceAccountToken"], False)

    def test_bindings_name_the_account_of_the_pod(self):
        for use in (True, False):
            values = merged(SYNC, {"serviceAccount": {"use": use}})
            account = pod(values)["serviceAccountName"]
            self.assertEqual(account, "backup-etcd-snapshot" if use else "default")
            self.assertEqual(sum(item["kind"] == "ServiceAccount" for item in objects(values)), int(use))
            for kind in ("RoleBinding", "ClusterRoleBinding"):
                binding = one(values, kind)
                self.assertEqual(binding["subjects"], [{"kind": "ServiceAccount", "name": account, "namespace": "etcd-backup"}])
                role = one(values, binding["roleRef"]["kind"])
                self.assertEqual(binding["roleRef"]["name"], role["metadata"]["name"])


class Storage(unittest.TestCase):
    def pair(self, values, **options):
        return one(values, "PersistentVolume", **options), one(values, "PersistentVolumeClaim", **options)

    def test_volume_and_claim_find_each_other_and_nobody_else(self):
        volume, claim = self.pair(PV)
        self.assertEqual(claim["metadata"]["name"], "etcd-snapshot")
        self.assertEqual(claim["spec"]["volumeName"], volume["metadata"]["name"])
        self.assertEqual(volume["spec"]["claimRef"], {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "etcd-backup",
                                                      "name": "etcd-snapshot"})
        self.assertEqual(volume["spec"]["accessModes"], claim["spec"]["accessModes"])
        self.assertEqual(volume["spec"]["capacity"]["storage"], claim["spec"]["resources"]["requests"]["storage"])

    # P21
    def test_the_claim_has_an_explicit_empty_class(self):
        volume, claim = self.pair(PV)
        self.assertEqual((volume["spec"]["storageClassName"], claim["spec"]["storageClassName"]), ("", ""))
        volume, claim = self.pair(merged(PV, {"pv": {"storageClassName": "nfs"}}))
        self.assertEqual((volume["spec"]["storageClassName"], claim["spec"]["storageClassName"]), ("nfs", "nfs"))
        self.assertNotIn("StorageClass", {item["kind"] for item in objects(PV)})

    def test_both_stay_when_the_release_goes(self):
        for item in self.pair(PV):
            self.assertEqual(item["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")
        self.assertEqual(self.pair(PV)[0]["spec"]["persistentVolumeReclaimPolicy"], "Retain")

    def test_in_tree_or_csi_the_agent_goes_to_the_same_place(self):
        csi = merged(PV, {"pv": {"driver": "csi"}})
        self.assertEqual(self.pair(PV)[0]["spec"]["nfs"], {"server": "10.0.0.5", "path": "/exports/etcd"})
        volume = self.pair(csi)[0]
        self.assertNotIn("nfs", volume["spec"])
        self.assertEqual(volume["spec"]["csi"], {"driver": "nfs.csi.k8s.io", "volumeHandle": volume["metadata"]["name"],
                                                 "volumeAttributes": {"server": "10.0.0.5", "share": "/exports/etcd"}})
        self.assertEqual(config(PV)["destinations"], config(csi)["destinations"])

    def test_another_source_is_another_volume(self):
        names = {self.pair(values)[0]["metadata"]["name"] for values in (
            PV, merged(PV, {"pv": {"server": "10.0.0.6"}}), merged(PV, {"pv": {"path": "/exports/etcd2"}}),
            merged(PV, {"pv": {"driver": "csi"}}))}
        self.assertEqual(len(names), 4)
        self.assertEqual(self.pair(PV)[0]["metadata"]["name"], self.pair(merged(PV, {"schedule": "@daily"}))[0]["metadata"]["name"])

    def test_nothing_of_it_is_mounted_into_the_pod(self):
        for values in (PV, EXISTING):
            self.assertFalse([volume for volume in pod(values)["volumes"] if "persistentVolumeClaim" in volume or "nfs" in volume])

    def test_an_existing_volume_is_not_touched(self):
        kinds = {item["kind"] for item in objects(EXISTING)}
        self.assertFalse(kinds & {"PersistentVolume", "PersistentVolumeClaim"})

    def test_a_port_of_its_own_reaches_agent_and_volume(self):
        values = merged(PV, {"nfs": {"port": 2050}})
        self.assertEqual(config(values)["destinations"][0]["url"], "nfs://10.0.0.5:2050/exports/etcd")
        self.assertEqual(self.pair(values)[0]["spec"]["mountOptions"][-1], "port=2050")
        self.assertFalse([option for option in self.pair(PV)[0]["spec"]["mountOptions"] if option.startswith("port=")])


class Names(unittest.TestCase):
    def names(self, values, **options):
        return [(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]) for item in objects(values, **options)]

    def cluster_wide(self, values, **options):
        return {(kind, name) for kind, namespace, name in self.names(values, **options) if not namespace}

    def test_two_releases_share_nothing_that_no_namespace_holds(self):
        # Pairs that a plain "namespace-release" would confuse.
        pairs = [("a", "b-c"), ("a-b", "c"), ("a", "b"), ("b", "a"), ("a-b-c", "c")]
        for values in (PV, SYNC, EXISTING, merged(PV, NARROW)):
            seen = set()
            for namespace, release in pairs:
                found = self.cluster_wide(values, namespace=namespace, release=release, apis=OPENSHIFT)
                self.assertFalse(seen & found)
                seen |= found

    def test_two_releases_in_one_namespace_share_only_what_the_values_name(self):
        both = set(self.names(PV, release="one")) & set(self.names(PV, release="two"))
        self.assertEqual(both, {("PersistentVolumeClaim", "etcd-backup", "etcd-snapshot")})

    def test_objects_of_a_namespace_say_which(self):
        everywhere = {"PersistentVolume", "ClusterRole", "ClusterRoleBinding", "SecurityContextConstraints"}
        for values in MODES.values():
            for kind, namespace, _ in self.names(values, apis=OPENSHIFT):
                self.assertEqual(namespace, "" if kind in everywhere else "etcd-backup")

    def test_a_release_named_like_the_chart_gives_the_short_name(self):
        self.assertEqual(one(PV, "CronJob", release="etcd-snapshot")["metadata"]["name"], "etcd-snapshot")
        self.assertEqual(one(merged(PV, {"fullnameOverride": "etcd"}), "CronJob")["metadata"]["name"], "etcd")

    def test_lengths_at_the_longest_release_name_and_namespace(self):
        values = merged(BIG, {"metrics": {"prometheusRule": {"enabled": False}}})
        names = set()
        for release in ("r" * 53, "r" * 52 + "s", "r" * 45, "r" * 31, "a.b" * 17):
            for item in objects(values, release=release, namespace="n" * 63):
                name = item["metadata"]["name"]
                self.assertLessEqual(len(name), 52 if item["kind"] == "CronJob" else 253)
                self.assertRegex(name, r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
                for value in item["metadata"]["labels"].values():
                    self.assertLessEqual(len(value), 63)
            names.add(one(values, "ServiceAccount", release=release, namespace="n" * 63)["metadata"]["name"])
        self.assertEqual(len(names), 5)

    def test_two_renderings_are_equal_to_the_byte(self):
        for values in MODES.values():
            first = text(values)
            text.__globals__["_text"].cache_clear()
            self.assertEqual(first, text(values))

    def test_templates_ask_for_nothing_that_changes(self):
        for file in sorted((CHART / "templates").iterdir()):
            for word in ("lookup", "randAlpha", "randNumeric", "uuidv4", "now |", "genCA", "genSelfSigned", "genPrivateKey", "Release.Revision",
                         "Release.IsUpgrade", "Release.IsInstall", "KubeVersion.Minor"):
                self.assertNotIn(word, file.read_text(), file.name)


class Notes(unittest.TestCase):
    def notes(self, values, kubernetes):
        """As helm install prints them; helm template does not, so they become a template of a copy of the chart."""
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "chart"
            shutil.copytree(CHART, copy)
            notes = copy / "templates/NOTES.txt"
            (copy / "templates/_notes.tpl").write_text('{{- define "notes" -}}' + notes.read_text() + "{{ end }}")
            (copy / "templates/notes.yaml").write_text('{kind: Notes, metadata: {name: notes}, text: {{ include "notes" . | quote }}}')
            notes.unlink()
            status, out, errors = helm("template", "backup", str(copy), "--namespace", "etcd-backup", "--kube-version", kubernetes, values=values)
        self.assertEqual(status, 0, errors)
        return next(item["text"] for item in yaml.safe_load_all(out) if item and item["kind"] == "Notes")

    def test_tell_the_zone_that_the_schedule_is_read_in(self):
        self.assertIn('takes a snapshot at "30 13 * * *" (Etc/UTC), on', self.notes(PV, "1.27"))
        self.assertIn("(in the time zone of the cluster's controller manager), on", self.notes(PV, "1.26"))

    def test_follow_the_first_run_to_its_end_good_or_bad(self):
        readme = (TOP / "README.md").read_text()
        for told in (self.notes(PV, "1.33"), readme):
            for job in ("first", "list"):
                self.assertRegex(told, rf"\n +until kubectl -n [a-z-]+ logs -f job/{job} \| grep \.; do sleep 2; done\n")
            self.assertNotIn("--for=condition=complete", told)


class Files(unittest.TestCase):
    def test_every_value_is_explained(self):
        lines = (CHART / "values.yaml").read_text().splitlines()
        for number, line in enumerate(lines):
            key = line.strip()
            if key and not key.startswith("#") and not key.endswith(":") and ":" in key:
                before = lines[number - 1].strip()
                with self.subTest(line=number + 1):
                    # Or it shares the sentence of the key above it: uid and gid, both limits of history.
                    self.assertTrue(before.startswith("#") or (before and not before.endswith(":")), key)

    def test_the_schema_allows_nothing_unknown_anywhere(self):
        def walk(node, path):
            if isinstance(node, dict):
                if "properties" in node and "allOf" not in node and not path.endswith("/if"):
                    self.assertIs(node.get("additionalProperties"), False, path)
                for key, value in node.items():
                    walk(value, f"{path}/{key}")
            elif isinstance(node, list):
                for index, value in enumerate(node):
                    walk(value, f"{path}/{index}")
        walk(yaml.safe_load((CHART / "values.schema.json").read_text()), "")

    def test_every_value_has_its_rule_in_the_schema(self):
        schema = yaml.safe_load((CHART / "values.schema.json").read_text())

        def walk(values, rules, path):
            for key, value in values.items():
                self.assertIn(key, rules, path)
                if isinstance(value, dict) and "properties" in rules[key]:
                    walk(value, rules[key]["properties"], f"{path}{key}.")
        walk(yaml.safe_load((CHART / "values.yaml").read_text()), schema["properties"], "")

    def test_the_short_sample_renders_and_stays_short(self):
        sample = (TOP / "values.yaml").read_text()
        self.assertEqual(config(yaml.safe_load(sample))["cluster"], "prod-east")
        self.assertLess(len(sample.splitlines()), 30)
        other = sample.replace("mode: pv", "mode: sync").replace("# sync:", "sync:").replace("#   ", "  ")
        self.assertEqual(config(yaml.safe_load(other))["destinations"][0]["name"], "mirrors")

    def test_values_written_for_the_published_chart_install(self):
        published = yaml.safe_load("""
            schedule: "0 2 * * *"
            mode: pv
            pv: {name: etcd-snapshot, capacity: 100G, server: nfs.example.com, path: /exports/etcd, driver: intree, storageClassName: etcd}
            snapshot: {directory: /var/home/core/etcd-snapshots, purgeDays: 5}
            labelDomain: example.com
            baseDomain: cluster.example.com
            tolerationLabelKey: node-role.kubernetes.io/master
            image: registry.example.com/etcd-snapshot:1
            serviceAccount: {use: true}""")
        self.assertEqual(one(published, "CronJob")["spec"]["schedule"], "0 2 * * *")
        published.update(mode="sync", sync={"sshSecret": "key", "knownHosts": "hosts"})
        self.assertEqual(config(published)["destinations"][0]["baseDomain"], "cluster.example.com")

    def test_versions_are_those_of_the_program(self):
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        self.assertIn(f"project(etcd-snapshot VERSION {chart['appVersion']} ", (TOP / "CMakeLists.txt").read_text())
        self.assertEqual(container(PV)["image"], f"localhost/etcd-snapshot:{chart['appVersion']}")

    def test_alerts_and_dashboard_are_those_of_chart_files(self):
        rule = one(BIG, "PrometheusRule")
        self.assertEqual(rule["spec"], yaml.safe_load((CHART / "files/alerts.yaml").read_text()))
        dashboard = one(BIG, "ConfigMap", "backup-etcd-snapshot-dashboard")
        self.assertEqual(dashboard["metadata"]["labels"]["grafana_dashboard"], "1")
        self.assertEqual(dashboard["data"], {file.name: file.read_text() for file in (CHART / "files").glob("*.json")})
        self.assertTrue(dashboard["data"])


if __name__ == "__main__":
    unittest.main()
