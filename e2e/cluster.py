"""The cluster as an administrator has it: kubectl, helm, nodes, and what came of a run. One for all scenarios."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
CHART = TOP / "chart"
CACHE = pathlib.Path(os.environ["ETCD_SNAPSHOT_CACHE"])
NODE_ADDRESS = "10.250.0.{}"
LABEL = "etcd-snapshot.example.com/role"

work = pathlib.Path()  # of the cluster; start() sets these
image_archive = ""
image = ""


class Failed(Exception):
    pass


def sh(*command, check=True, **options):
    """Runs a command; gives its output, with standard error behind it when that is not asked for apart."""
    options.setdefault("stderr", subprocess.STDOUT)
    options.setdefault("timeout", 180)
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=False, **options)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def kubectl(*words, **options):
    return sh("kubectl", *words, **options)


def get(kind, name, namespace="default"):
    return json.loads(kubectl("-n", namespace, "get", kind, name, "-o", "json"))


def until(what, condition, seconds=60):
    """Waits until condition() gives something; gives that."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = condition()
        except Failed as failure:
            found, last = None, failure
        else:
            last = ""
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s in vain until {what} {last}")
        time.sleep(0.2)


def start(directory, archive):
    global work, image_archive, image
    work, image_archive = directory, archive
    version = re.search(r'^appVersion: "(.*)"', (CHART / "Chart.yaml").read_text(), re.MULTILINE)[1]
    image = f"localhost/etcd-snapshot:{version}"
    kubernetes = re.search(r"^kube_version=(\S+)", (TOP / "e2e/kube/lib.sh").read_text(), re.MULTILINE)[1]
    binaries = pathlib.Path(os.environ.get("KUBE_CACHE") or CACHE / f"kube-{kubernetes}") / "bin"
    os.environ["PATH"] = f"{binaries}:{CACHE}/parts/bin:{os.environ['PATH']}"
    os.environ["KUBECONFIG"] = "/etc/kubernetes/admin.conf"
    for part in ("CACHE", "CONFIG", "DATA"):
        os.environ[f"HELM_{part}_HOME"] = str(work / "helm" / part.lower())
    if not pathlib.Path(os.environ["KUBECONFIG"]).exists():
        subprocess.run([TOP / "e2e/kube/up", work, archive], check=True)


def add_nodes(*numbers):
    """Adds those of the nodes cp-N that are not there yet, side by side."""
    launched = [subprocess.Popen([TOP / "e2e/kube/node", work, str(number), image_archive]) for number in numbers
                if not (work / f"node{number}").exists()]
    if any([process.wait() for process in launched]):  # a list: all are waited for
        raise Failed("a node did not come up")


def host(number, path):
    """Where a path of node cp-NUMBER is, seen from here."""
    return pathlib.Path(path) if number == 1 else work / f"node{number}/host" / path.lstrip("/")


def restart(name, healthy=lambda: True):
    """Starts one of the processes of e2e/kube again after kill(), and again until it is healthy, as systemd does: kubelet, containerd, ..."""
    def up():
        if launched.poll() is not None:
            launch()
        return healthy()

    def launch():
        nonlocal launched
        launched = subprocess.Popen([work / f"run/{name}.start"])
        (work / f"run/{name}.pid").write_text(str(launched.pid))

    launched = None
    launch()
    until(f"{name} is healthy", up)


def kill(name):
    pid = int((work / f"run/{name}.pid").read_text())
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return
    until(f"{name} is gone", lambda: not pathlib.Path(f"/proc/{pid}").exists() or "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text())


def forget(namespace, *directories):
    """Removes what an earlier call of the same scenario left, in the shell."""
    kubectl("delete", "namespace", namespace, "--ignore-not-found")
    kubectl("delete", "persistentvolume", "-l", "app.kubernetes.io/instance", "--wait=false")
    kubectl("delete", "configmap", "marker", "--ignore-not-found")
    kubectl("label", "node", "--all", f"{LABEL}-")
    for directory in directories:
        while os.path.ismount(directory):
            sh("umount", directory)
        shutil.rmtree(directory, ignore_errors=True)


def make_namespace(name, level="privileged"):
    kubectl("delete", "namespace", name, "--ignore-not-found")
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, f"pod-security.kubernetes.io/enforce={level}")
    until("its default account is there", lambda: kubectl("-n", name, "get", "serviceaccount", "default"))


class Run:
    """What came of a Job: exit status of its pod, log, the outcome line."""

    def __init__(self, namespace, job):
        self.namespace, self.job = namespace, job
        pods = json.loads(kubectl("-n", namespace, "get", "pod", "-l", f"job-name={job}", "-o", "json"))["items"]
        pods.sort(key=lambda pod: pod["metadata"]["creationTimestamp"])
        self.pods = pods
        self.pod = pods[-1]["metadata"]["name"]
        ended = pods[-1]["status"]["containerStatuses"][0]["state"]["terminated"]
        self.exit = ended["exitCode"]
        self.message = ended.get("message", "")
        self.log = kubectl("-n", namespace, "logs", f"pod/{self.pod}")
        lines = [line for line in self.log.splitlines() if line.startswith("{")]
        self.outcome = json.loads(lines[-1]) if lines else {}

    def place(self, name):
        return next(place for place in self.outcome["places"] if place["name"] == name)

    def events(self):
        found = json.loads(kubectl("-n", self.namespace, "get", "events", "-o", "json"))["items"]
        return [event for event in found if event["involvedObject"]["name"] in (self.job, self.pod)]


class Release:
    """An installation of the chart in a namespace of its own."""

    def __init__(self, namespace, name="backup"):
        self.namespace, self.name = namespace, name
        self.runs = 0

    @property
    def object(self):
        return self.name if "etcd-snapshot" in self.name else f"{self.name}-etcd-snapshot"

    def helm(self, verb, values, *words, check=True):
        file = work / f"{self.namespace}-values.yaml"
        file.write_text(values if isinstance(values, str) else json.dumps(values))
        return sh("helm", "-n", self.namespace, verb, self.name, CHART, "-f", file, *words, check=check)

    def install(self, values, *words, check=True):
        return self.helm("install", values, *words, check=check)

    def upgrade(self, values, *words, check=True):
        return self.helm("upgrade", values, *words, check=check)

    def uninstall(self):
        return sh("helm", "-n", self.namespace, "uninstall", self.name, "--wait")

    def begin(self):
        """Starts a run by hand, as README says; gives the Job's name."""
        self.runs += 1
        job = f"manual-{self.runs}"
        kubectl("-n", self.namespace, "create", "job", f"--from=cronjob/{self.object}", job)
        return job

    def finish(self, job, seconds=90):
        def ended():
            conditions = get("job", job, self.namespace)["status"].get("conditions", [])
            return [c for c in conditions if c["type"] in ("Complete", "Failed") and c["status"] == "True"]

        try:
            until(f"job {job} has ended", ended, seconds)
        except Failed as failure:
            raise Failed(f"{failure}\n{kubectl('-n', self.namespace, 'describe', 'pod', '-l', f'job-name={job}')}") from failure
        return Run(self.namespace, job)

    def run(self, seconds=90):
        return self.finish(self.begin(), seconds)

    def pod_of(self, job):
        found = until("the job has a pod", lambda: json.loads(
            kubectl("-n", self.namespace, "get", "pod", "-l", f"job-name={job}", "-o", "json"))["items"])
        return found[0]["metadata"]["name"]

    def describe(self, job):
        """What `kubectl describe` says of the job and its pods: there an administrator looks first."""
        return (kubectl("-n", self.namespace, "describe", f"job/{job}") +
                kubectl("-n", self.namespace, "describe", "pod", "-l", f"job-name={job}"))

    def until_described(self, job, words, seconds=40):
        return until(f'describe says "{words}"', lambda: words in (text := self.describe(job)) and text, seconds)

    def log(self, job):
        return kubectl("-n", self.namespace, "logs", f"pod/{self.pod_of(job)}", check=False)
