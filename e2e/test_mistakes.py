"""What an administrator sees who forgot something or wrote something wrong, and that the words lead him on."""
import os
import re
import shutil
import unittest

import cluster
import servers
from cluster import LABEL, kubectl, sh, until

DIRECTORY = "/var/home/core/mistakes"


def values(**more):
    return {"cluster": "mistakes", "image": cluster.image, "suspend": True, "pv": {"server": servers.Nfs.address, "path": "/exports/etcd"},
            "snapshot": {"directory": DIRECTORY, "reserve": "100MiB"}, **more}


class Mistakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nfs = servers.Nfs("/exports/etcd")
        cluster.forget("mistakes", DIRECTORY, DIRECTORY + "-small", DIRECTORY + "-restricted")
        cluster.make_namespace("mistakes")
        cls.release = cluster.Release("mistakes")

    @classmethod
    def tearDownClass(cls):
        cls.release.uninstall()
        cls.nfs.stop()
        kubectl("label", "node", "cp-1", f"{LABEL}-")

    def test_a_schedule_that_never_comes_is_refused(self):
        for schedule in ("61 * * * *", "TZ=UTC 5 4 * * *", "5 4 * *"):
            said = self.release.install(values(schedule=schedule), check=False)
            self.assertIn("schedule", said)
            self.assertNotIn("STATUS: deployed", said)

    def test_a_value_that_does_not_exist_is_refused_by_name(self):
        self.assertIn("purgeDay", self.release.install(values(), "--set", "snapshot.purgeDay=3", check=False))

    def test_without_a_labelled_node_the_pod_waits_and_goes_on_by_itself(self):
        self.release.install(values())
        job = self.release.begin()
        self.release.until_described(job, "didn't match Pod's node affinity/selector")
        kubectl("label", "node", "cp-1", f"{LABEL}=snapshot")
        self.assertEqual(0, self.release.finish(job).exit)

    def test_without_its_secret_the_pod_waits_and_goes_on_by_itself(self):  # F-K04
        s3 = servers.S3()
        self.addCleanup(s3.stop)
        kubectl("-n", "mistakes", "create", "secret", "generic", "s3-ca", f"--from-file=ca-bundle.pem={s3.ca}")
        place = {"name": "offsite", "type": "s3", "endpoint": f"https://{s3.address}:{s3.port}", "region": "us-east-1", "bucket": "etcd",
                 "prefix": "prod", "credentialsSecret": "etcd-s3", "caSecret": "s3-ca"}
        self.release.upgrade(values(destinations=[place]))
        job = self.release.begin()
        self.release.until_described(job, 'secret "etcd-s3" not found')
        kubectl("-n", "mistakes", "create", "secret", "generic", "etcd-s3", f"--from-literal=ACCESS_KEY_ID={s3.access}",
                f"--from-literal=SECRET_ACCESS_KEY={s3.secret}")
        run = self.release.finish(job, 150)
        self.assertEqual(0, run.exit, run.log)
        self.assertTrue(run.place("offsite")["proven"])
        self.assertIn(f"prod/{run.outcome['set']}/manifest.json", s3.objects())
        self.assertIn(run.outcome["set"], self.nfs.sets())
        self.assertNotIn(s3.secret, run.log)

    def test_without_its_configuration_the_pod_waits(self):  # F-K04
        kubectl("-n", "mistakes", "delete", "configmap", self.release.object)
        job = self.release.begin()
        self.release.until_described(job, f'configmap "{self.release.object}" not found')
        self.release.upgrade(values())
        kubectl("-n", "mistakes", "delete", "job", job)
        self.assertEqual(0, self.release.run().exit)

    def test_a_directory_of_another_distribution_is_named(self):  # F-K04
        self.release.upgrade(values(hostPaths=["/etc/rancher/rke2"]))
        job = self.release.begin()
        self.release.until_described(job, "hostPath type check failed: /etc/rancher/rke2 is not a directory")
        kubectl("-n", "mistakes", "delete", "job", job)

    def test_a_certificate_that_etcd_refuses_is_named(self):
        pki = "/etc/kubernetes/pki"
        self.release.upgrade(values(etcd={"endpoints": ["https://127.0.0.1:2379"], "cacert": f"{pki}/etcd/ca.crt",
                                          "cert": f"{pki}/front-proxy-client.crt", "key": f"{pki}/front-proxy-client.key"}))
        job = self.release.begin()
        log = until("the run has failed", lambda: '"exit":3' in (text := self.release.log(job)) and text)
        self.assertRegex(log, r"error .*127\.0\.0\.1:2379")
        self.assertRegex(log, r"error .*certificate")
        kubectl("-n", "mistakes", "delete", "job", job)

    def test_a_full_disk_is_named_and_nothing_is_removed(self):
        os.makedirs(DIRECTORY + "-small", exist_ok=True)
        sh("mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "none", DIRECTORY + "-small")
        self.release.upgrade(values(snapshot={"directory": DIRECTORY + "-small", "reserve": "1MiB"}))
        before = self.nfs.sets()
        run = self.release.run()
        self.assertEqual(8, run.exit, run.log)
        self.assertRegex(run.log, r"error .*(space|free)")
        self.assertIn("mistakes-small", run.message)  # what `kubectl describe pod` shows
        self.assertEqual(before, self.nfs.sets())

    def test_a_restricted_namespace_refuses_and_the_command_of_the_notes_helps(self):  # F-K05
        cluster.make_namespace("restricted", "restricted")
        release = cluster.Release("restricted")
        notes = release.install(values(snapshot={"directory": DIRECTORY + "-restricted", "reserve": "100MiB"}))
        job = release.begin()
        said = until("the refusal is described", lambda: "violates PodSecurity" in (
            text := kubectl("-n", "restricted", "describe", f"job/{job}")) and text)
        self.assertIn("restricted:latest", said)
        sh("bash", "-c", re.search(r"kubectl label --overwrite namespace restricted .*", notes)[0])
        run = release.finish(job, 120)
        self.assertEqual(0, run.exit, run.log)
        release.uninstall()
        shutil.rmtree(DIRECTORY + "-restricted")
