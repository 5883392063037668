#!/usr/bin/env python3
"""What the chart refuses, each with the words that say what to write instead; and near misses that it takes."""
import unittest

from chart import EXISTING, OPENSHIFT, PV, S3, SYNC, merged, template

SSH = {"name": "vault", "type": "ssh", "hosts": ["vault.example.com"], "user": "etcd", "directory": "/srv/etcd", "sshSecret": "vault-key"}

# name: (values, words of the message)
REFUSED = {
    # Modes
    "no_values": ({}, "pv.server: name the NFS server"),
    "no_path": ({"pv": {"server": "10.0.0.5"}}, "pv.path: name the path that the NFS server exports"),
    "existing_with_server": (merged(EXISTING, {"pv": {"server": "10.0.0.5"}}), "both are read from the PersistentVolume"),
    "existing_with_port": (merged(EXISTING, {"nfs": {"port": 2050}}), "nfs.port: with pv.create: false"),
    "sync_without_key": ({"mode": "sync"}, "sync.sshSecret: name the Secret that holds the SSH key, or set mode: pv"),
    "sync_without_hosts": ({"mode": "sync", "sync": {"sshSecret": "k"}}, "sync.hostKeyPolicy: accept-new"),
    "unknown_mode": (merged(PV, {"mode": "nfs"}), "'/mode'"),
    "unknown_driver": (merged(PV, {"pv": {"driver": "nfs"}}), "'/pv/driver'"),
    "unknown_profile": (merged(PV, {"securityProfile": "restricted"}), "'/securityProfile'"),
    "unknown_host_key_policy": (merged(SYNC, {"sync": {"hostKeyPolicy": "off"}}), "'/sync/hostKeyPolicy'"),
    # Keys that are gone, or of other charts
    "debug": (merged(PV, {"debug": {"enabled": True}}), "debug is gone: a pod that sleeps makes no backup"),
    "debug_off": (merged(PV, {"debug": False}), "debug is gone"),
    "ocp_version": (merged(PV, {"ocpVersion": "4.12"}), "ocpVersion is gone: the objects fit every supported version. Remove it"),
    "image_of_parts": (merged(PV, {"image": {"repository": "r", "tag": "1"}}), "image: write one string"),
    "image_without_tag": (merged(PV, {"image": "registry.example.com:5000/etcd-snapshot"}), "has no tag and no digest"),
    "image_short_digest": (merged(PV, {"image": "etcd-snapshot@sha256:abc"}), "has no tag and no digest"),
    "purge_days_on_top": (merged(PV, {"purgeDays": 5}), "write it as snapshot.purgeDays"),
    "key_on_top": (merged(PV, {"sshSecret": "k"}), "write it as sync.sshSecret"),
    "s3_on_top": (merged(PV, {"s3": {"bucket": "b"}}), "write it as an item of destinations"),
    "tolerations": (merged(PV, {"tolerations": []}), "tolerationLabelKey"),
    "node_selector": (merged(PV, {"nodeSelector": {}}), "label the node"),
    "nfs_server": (merged(PV, {"nfs": {"server": "a"}}), "write it as pv.server"),
    "storage_class": (merged(PV, {"pv": {"storageClass": "a"}}), "write it as pv.storageClassName"),
    "sync_hosts": (merged(SYNC, {"sync": {"hosts": ["a"]}}), "mirrors are found by the label of their node"),
    # Keys that nobody knows, at every depth
    "unknown_key": (merged(PV, {"scheduel": "@daily"}), "additional properties 'scheduel' not allowed"),
    "unknown_in_pv": (merged(PV, {"pv": {"sever": "a"}}), "additional properties 'sever' not allowed"),
    "unknown_in_snapshot": (merged(PV, {"snapshot": {"purgedays": 1}}), "additional properties 'purgedays' not allowed"),
    "unknown_in_retention": (merged(PV, {"retention": {"keeplast": 1}}), "additional properties 'keeplast' not allowed"),
    "unknown_in_etcd": (merged(PV, {"etcd": {"endpoint": "a"}}), "additional properties 'endpoint' not allowed"),
    "unknown_in_metrics": (merged(PV, {"metrics": {"dashboard": {"on": True}}}), "additional properties 'on' not allowed"),
    "unknown_in_destination": (merged(PV, {"destinations": [dict(S3, bukket="b")]}), "additional properties 'bukket' not allowed"),
    "secret_in_values": (merged(PV, {"destinations": [dict(S3, secretKey="s")]}), "additional properties 'secretKey' not allowed"),
    # A key with nothing behind it takes the default away
    "section_left_empty": (merged(PV, {"sync": None}), "missing property 'sync'"),
    "schedule_left_empty": (merged(PV, {"schedule": None}), "missing property 'schedule'"),
    "server_left_empty": (merged(PV, {"pv": {"server": None}}), "pv.server: name the NFS server"),
    # Schedules
    "schedule_with_zone": (merged(PV, {"schedule": "TZ=Europe/Zurich 0 1 * * *"}), "write it as timeZone"),
    "schedule_with_cron_zone": (merged(PV, {"schedule": "CRON_TZ=UTC 0 1 * * *"}), "write it as timeZone"),
    "schedule_of_four": (merged(PV, {"schedule": "0 1 * *"}), "has 4 fields"),
    "schedule_with_seconds": (merged(PV, {"schedule": "0 0 1 * * *"}), "has 6 fields"),
    "schedule_minute_60": (merged(PV, {"schedule": "60 * * * *"}), 'the minute "60" is not of 0 to 59'),
    "schedule_hour_24": (merged(PV, {"schedule": "0 24 * * *"}), 'the hour "24"'),
    "schedule_sunday_7": (merged(PV, {"schedule": "0 0 * * 7"}), "0 is Sunday"),
    "schedule_step_0": (merged(PV, {"schedule": "*/0 * * * *"}), 'the minute "*/0"'),
    "schedule_backwards": (merged(PV, {"schedule": "30 20-10 * * *"}), 'the hour "20-10" runs backwards; write it as two'),
    "schedule_backwards_in_a_list": (merged(PV, {"schedule": "0 1,9-08/2 * * *"}), 'the hour "9-08/2" runs backwards'),
    "schedule_backwards_by_name": (merged(PV, {"schedule": "0 0 * * sat-sun"}), 'the weekday "sat-sun" runs backwards'),
    "schedule_months_backwards": (merged(PV, {"schedule": "0 0 1 Nov-2 *"}), 'the month "Nov-2" runs backwards'),
    "schedule_unknown_word": (merged(PV, {"schedule": "@dayly"}), "is not one of @hourly"),
    "schedule_30_february": (merged(PV, {"schedule": "0 0 30 2 *"}), "that date does not exist"),
    "schedule_31_november": (merged(PV, {"schedule": "0 0 31 11 *"}), "that date does not exist"),
    "schedule_empty": (merged(PV, {"schedule": ""}), "schedule:"),
    "verify_schedule": (merged(PV, {"verify": {"schedule": "daily"}}), "verify.schedule:"),
    "late_after_9s": (merged(PV, {"startingDeadlineSeconds": 9}), "'/startingDeadlineSeconds'"),
    # Destinations
    "name_of_the_mode": (merged(PV, {"destinations": [dict(S3, name="pv")]}), 'the name "pv" is taken'),
    "name_of_the_mirrors": (merged(SYNC, {"destinations": [dict(S3, name="mirrors")]}), 'the name "mirrors" is taken'),
    "name_local": (merged(PV, {"destinations": [dict(S3, name="local")]}), 'the name "local" is taken'),
    "name_twice": (merged(PV, {"destinations": [S3, S3]}), 'the name "offsite" is taken'),
    "s3_without_credentials": (merged(PV, {"destinations": [{k: v for k, v in S3.items() if k != "credentialsSecret"}]}),
                               "'credentialsSecret'"),
    "ssh_without_host_keys": (merged(PV, {"destinations": [SSH]}), "vault: knownHosts: name the ConfigMap or Secret"),
    "password_in_address": (merged(PV, {"destinations": [dict(S3, endpoint="https://u:p@s3.example.com")]}), "endpoint"),
    "unknown_type": (merged(PV, {"destinations": [dict(S3, type="ftp")]}), "type"),
    "verify_at_unknown": (merged(PV, {"verify": {"at": "nas"}}), 'there is no destination "nas"; there are: local, pv'),
    # Paths of the node
    "root_of_the_host": (merged(PV, {"hostPaths": ["/"]}), "'/hostPaths/0'"),
    **{f"a_mount_over{path.replace('/', '_')}": (merged(PV, {"hostPaths": ["/etc/kubernetes", path]}), f"hostPaths: {path} cannot be mounted")
       for path in ("/etc", "/etc/etcd-snapshot", "/etc/etcd-snapshot/ssh", "/usr", "/usr/bin", "/lib", "/dev", "/proc", "/proc/1", "/sys/fs",
                    "/run", "/var/run")},
    "sets_over_the_configuration": (merged(PV, {"snapshot": {"directory": "/etc/etcd-snapshot"}}), "snapshot.directory: /etc/etcd-snapshot"),
    "metrics_over_devices": (merged(PV, {"metrics": {"textfileDirectory": "/dev/shm"}}), "metrics.textfileDirectory: /dev/shm cannot"),
    "path_upwards": (merged(PV, {"snapshot": {"directory": "/var/../etc"}}), "'/snapshot/directory'"),
    "path_that_ends_upwards": (merged(PV, {"hostPaths": ["/etc/kubernetes/.."]}), "'/hostPaths/0'"),
    "path_with_a_dot": (merged(PV, {"hostPaths": ["/./etc/kubernetes"]}), "'/hostPaths/0'"),
    "sets_in_the_root": (merged(PV, {"snapshot": {"directory": "/"}}), "'/snapshot/directory'"),
    "sets_where_we_read": (merged(PV, {"snapshot": {"directory": "/etc/kubernetes"}}), "mounted read-only and cannot be written"),
    "metrics_among_sets": (merged(PV, {"metrics": {"textfileDirectory": "/var/home/core/etcd-snapshots"}}), "another directory"),
    "certificate_unseen": (merged(PV, {"etcd": {"cacert": "/var/lib/etcd-tls/ca.crt"}}), "etcd.cacert: the pod cannot see"),
    "host_file_unseen": (merged(PV, {"snapshot": {"include": ["/etc/kubernetes.d"]}}), "snapshot.include: the pod cannot see"),
    # The rest
    "user_without_password": (merged(PV, {"etcd": {"username": "root"}}), "give both, or none"),
    "password_as_value": (merged(PV, {"etcd": {"password": "x"}}), "additional properties 'password' not allowed"),
    "long_name": (merged(PV, {"fullnameOverride": "x" * 46}), "'/fullnameOverride'"),
    "age_said_twice": (merged(PV, {"snapshot": {"purgeDays": 30}, "retention": {"keepWithin": "1d"}}), "remove one of them"),
    "age_said_twice_alike": (merged(PV, {"snapshot": {"purgeDays": 0}, "retention": {"keepWithin": "36500d"}}), "remove one of them"),
    "days_below_zero": (merged(PV, {"snapshot": {"purgeDays": -1}}), "'/snapshot/purgeDays'"),
    "days_as_text": (merged(PV, {"snapshot": {"purgeDays": "5"}}), "'/snapshot/purgeDays'"),
    "size_of_a_fraction": (merged(PV, {"snapshot": {"reserve": "1.5GiB"}}), "'/snapshot/reserve'"),
    "weeks": (merged(PV, {"retention": {"keepWithin": "1w"}}), "'/retention/keepWithin'"),
    "minutes_before_hours": (merged(PV, {"retention": {"keepWithin": "5m1h"}}), "'/retention/keepWithin'"),
    "comparison": (merged(PV, {"etcd": {"compareMembers": True}}), "'/etcd/compareMembers'"),
    "no_duration": (merged(PV, {"retention": {"keepWithin": ""}}), "'/retention/keepWithin'"),
    "capacity": (merged(PV, {"pv": {"capacity": "100 GB"}}), "'/pv/capacity'"),
    "cluster_name": (merged(PV, {"cluster": "Prod_East"}), "'/cluster'"),
}

# Near misses that must render.
TAKEN = {
    "image_by_digest": merged(PV, {"image": "registry.example.com:5000/a/etcd-snapshot@sha256:" + "0" * 64}),
    "image_with_port_and_tag": merged(PV, {"image": "registry.example.com:5000/etcd-snapshot:1"}),
    "schedule_lists": merged(PV, {"schedule": "*/20 0-6/2,9 1,15 jan-mar,12 MON-fri"}),
    "schedule_ranges": merged(PV, {"schedule": "08-9 9-9,20-23 ? JAN-12 sun-6"}),
    "schedule_word": merged(PV, {"schedule": "@every 6h"}),
    "schedule_29_february": merged(PV, {"schedule": "0 0 29 2 *"}),
    "schedule_31_of_some": merged(PV, {"schedule": "0 0 31 1,2 *"}),
    "schedule_30_february_or_monday": merged(PV, {"schedule": "0 0 30 2 1"}),
    "accept_new": {"mode": "sync", "sync": {"sshSecret": "k", "hostKeyPolicy": "accept-new"}},
    "sync_values_beside_pv": merged(PV, {"sync": {"sshSecret": "k"}}),
    "name_of_the_other_mode": merged(PV, {"destinations": [dict(S3, name="mirrors")]}),
    "verify_at_offsite": merged(PV, {"destinations": [S3], "verify": {"schedule": "@weekly", "at": "offsite"}}),
    "certificate_below_a_host_path": merged(PV, {"hostPaths": ["/etc/kubernetes", "/var/lib/etcd-tls"],
                                                 "etcd": {"cacert": "/var/lib/etcd-tls/ca.crt"}}),
    "paths_beside_those_of_the_pod": merged(PV, {"hostPaths": ["/etc/etcd", "/etc/etcd-snapshot.d", "/usr2", "/usr/local/etc/etcd",
                                                               "/var/lib/rancher/k3s", "/etc/..x", "/var/run/etcd"]}),
    "sizes": merged(PV, {"snapshot": {"reserve": "10Gi"}, "retention": {"maxSize": "500MB"}}),
    "durations": merged(PV, {"retention": {"keepWithin": "1d12h"}}),
    "late_after_10s": merged(PV, {"startingDeadlineSeconds": 10}),
    "address_of_six": merged(PV, {"pv": {"server": "fd00::5"}}),
    "global_of_a_parent_chart": merged(PV, {"global": {"anything": 1}}),
}


# Keys that an administrator may leave empty: "baseDomain:" and nothing behind it.
EMPTY = {"cluster": None, "imagePullSecrets": None, "destinations": None, "retention": None, "etcd": None, "baseDomain": None,
         "tolerationLabelKey": None, "priorityClassName": None, "fullnameOverride": None,
         "pv": {"storageClassName": None, "mountOptions": None}, "nfs": {"directory": None}, "sync": {"sshSecret": None, "knownHosts": None},
         "snapshot": {"include": None, "exclude": None, "purgeDays": None}, "verify": {"schedule": None, "at": None},
         "metrics": {"textfileDirectory": None, "pushgateway": None, "dashboard": {"labels": None}, "prometheusRule": {"labels": None}}}


class Refusals(unittest.TestCase):
    def test_each_says_what_to_write(self):
        for name, (values, words) in REFUSED.items():
            with self.subTest(name):
                status, out, errors = template(values)
                self.assertNotEqual(status, 0, "it was rendered")
                self.assertIn(words, errors)
                self.assertEqual(out, "")

    def test_near_misses_render(self):
        for name, values in TAKEN.items():
            with self.subTest(name):
                status, _, errors = template(values)
                self.assertEqual(status, 0, errors)

    def test_keys_left_empty_mean_what_their_defaults_mean(self):
        for mode in (PV, EXISTING):
            status, out, errors = template(merged(mode, EMPTY))
            self.assertEqual(status, 0, errors)
            self.assertNotIn("null", out)
            self.assertNotIn("%!", out)
        self.assertIn("sync.sshSecret: name the Secret", template(merged({"mode": "sync"}, EMPTY))[2])

    def test_a_time_zone_needs_a_server_that_knows_it(self):
        zurich = merged(PV, {"timeZone": "Europe/Zurich"})
        self.assertIn("timeZone: Kubernetes v1.26 does not know it", template(zurich, kubernetes="1.26")[2])
        self.assertEqual(template(zurich, kubernetes="1.27")[0], 0)

    def test_kubernetes_before_1_25_is_refused(self):
        self.assertIn("requires kubeVersion", template(PV, kubernetes="1.24.17", apis=OPENSHIFT)[2])
        self.assertEqual(template(PV, kubernetes="1.25.0+k3s1")[0], 0)


if __name__ == "__main__":
    unittest.main()
