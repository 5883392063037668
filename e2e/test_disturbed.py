"""Runs that are disturbed: evicted, killed, doubled, past their deadline; kubelet, runtime and API server that stop meanwhile.

The NFS server is stopped in its tracks to hold a run where copies are shipped; the local set is published then.
"""
import os
import pathlib
import shutil
import signal
import unittest

import cluster
import servers
from cluster import LABEL, get, kubectl, sh, until

NAMESPACE, DIRECTORY = "disturbed", pathlib.Path("/var/home/core/disturbed")


def agents():
    """Process ids of agents, as this machine sees them."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(b"/usr/bin/etcd-snapshot\0run"):
                found.append(int(process.name))
        except OSError:
            continue  # it has just ended
    return found


class Disturbed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.nfs = servers.Nfs("/exports/etcd")
        cluster.forget(NAMESPACE, DIRECTORY)
        cluster.make_namespace(NAMESPACE)
        kubectl("label", "node", "cp-1", f"{LABEL}=snapshot")
        cls.release = cluster.Release(NAMESPACE)
        cls.values = {"cluster": "disturbed", "image": cluster.image, "suspend": True, "pv": {"server": servers.Nfs.address, "path": "/exports/etcd"},
                      "snapshot": {"directory": str(DIRECTORY), "reserve": "100MiB"}}
        cls.release.install(cls.values)
        assert cls.release.run().exit == 0

    @classmethod
    def tearDownClass(cls):
        cls.nfs.resume()
        cls.release.uninstall()
        cls.nfs.stop()
        kubectl("label", "node", "cp-1", f"{LABEL}-")

    def tearDown(self):
        self.nfs.resume()
        until("no run is left", lambda: not agents())

    def held(self):
        """Starts a run and holds it while it ships; gives its job."""
        before = self.published()
        self.nfs.pause()
        job = self.release.begin()
        until("the set is published locally", lambda: len(self.published()) > len(before))
        return job

    def published(self):
        return sorted(path.name for path in DIRECTORY.iterdir() if not path.name.startswith("."))

    def check_all_is_well(self):
        """The next run ends well, ships what is missing, and leaves nothing half done anywhere."""
        run = self.release.run()
        if run.exit == 7:  # F-K03: when the API server comes back, the pod of a Job that is complete may be started once more (seen)
            until("that run has ended", lambda: not agents())
            run = self.release.run()
        self.assertEqual(0, run.exit, run.log)
        self.assertEqual(self.published(), self.nfs.sets())
        for place in (DIRECTORY, self.nfs.export):
            self.assertEqual([], [path.name for path in place.iterdir() if path.name.startswith(".incoming")])
        return run

    def test_an_evicted_run_is_made_up_for_by_the_job(self):  # F-K01
        job = self.held()
        first = self.release.pod_of(job)
        sh("kubectl", "create", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{first}/eviction", "-f", "-", input=(
            f'{{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"{first}","namespace":"{NAMESPACE}"}}}}'))
        until("the first pod has ended", lambda: not agents())
        self.nfs.resume()
        run = self.release.finish(job, 120)
        self.assertNotEqual(first, run.pod)
        self.assertEqual(0, run.exit, run.log)
        self.check_all_is_well()

    def test_a_killed_run_leaves_what_the_next_one_cleans(self):  # F-K01
        job = self.held()
        for pid in agents():
            os.kill(pid, signal.SIGKILL)
        until("the pod has failed", lambda: get("job", job, NAMESPACE)["status"].get("failed"))
        kubectl("-n", NAMESPACE, "delete", "job", job)
        self.nfs.resume()
        self.check_all_is_well()

    def test_a_run_past_its_deadline_is_ended_and_said_so(self):  # F-K01
        job = self.held()
        kubectl("-n", NAMESPACE, "patch", "job", job, "-p", '{"spec":{"activeDeadlineSeconds":1}}')
        until("the job has failed", lambda: "DeadlineExceeded" in self.release.describe(job))
        until("its pod has ended", lambda: not agents())
        self.nfs.resume()
        self.check_all_is_well()

    def test_a_second_run_steps_back_and_names_the_first(self):  # F-K03
        job = self.held()
        second = self.release.run()
        self.assertEqual(7, second.exit, second.log)
        self.assertRegex(second.log, "error another command is at work: .* on cp-1 since ")
        self.nfs.resume()
        self.assertEqual(0, self.release.finish(job).exit)
        self.check_all_is_well()

    def test_a_run_survives_the_restart_of_kubelet_and_containerd(self):
        job = self.held()
        running = agents()
        for name in ("kubelet", "containerd"):
            cluster.kill(name)
        cluster.restart("containerd", lambda: sh("ctr", "-a", cluster.work / "containerd/containerd.sock", "version"))
        cluster.restart("kubelet", lambda: sh("curl", "-sf", "http://127.0.0.1:10248/healthz"))
        self.assertEqual(running, agents())
        self.nfs.resume()
        run = self.release.finish(job, 120)
        self.assertEqual(0, run.exit, run.log)
        self.check_all_is_well()

    def test_a_run_goes_on_while_the_api_server_is_away(self):  # F-K02
        job = self.held()
        manifest = pathlib.Path("/etc/kubernetes/manifests/kube-apiserver.yaml")
        aside = cluster.work / "kube-apiserver.yaml"
        shutil.move(manifest, aside)
        until("the API server is gone", lambda: not servers.listens(cluster.NODE_ADDRESS.format(1), 6443))
        self.nfs.resume()
        until("the run has ended", lambda: not agents())
        self.assertEqual(self.published(), self.nfs.sets())
        shutil.move(aside, manifest)
        until("the API server answers", lambda: kubectl("get", "--raw", "/readyz") == "ok", 120)
        run = self.release.finish(job, 120)
        self.assertEqual(0, run.exit, run.log)
        self.assertTrue(run.outcome["warnings"], run.log)  # the event could not be told
        self.check_all_is_well()
