"""A real kube-apiserver with an etcd of its own on free ports of the loopback: no kubelet, no controllers."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from chart import CACHE, TOP

sys.path.append(str(TOP / "tests/support"))
from ports import free_ports  # noqa: E402

VERSION = re.search(r"^kube_version=(\S+)", (TOP / "e2e/kube/lib.sh").read_text(), re.MULTILINE)[1]
BIN = pathlib.Path(os.environ.get("KUBE_CACHE") or CACHE / f"kube-{VERSION}") / "bin"
ETCD = CACHE / "parts/etcd-3.6/etcd"
TOKEN = "administrator-of-the-test"

# OpenShift's SecurityContextConstraints as far as the chart needs them: the kind, and the fields that openshift/api:security/v1/types.go
# has; anything else is refused.
SCC = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "securitycontextconstraints.security.openshift.io"},
    "spec": {"group": "security.openshift.io", "scope": "Cluster", "names": {
        "kind": "SecurityContextConstraints", "plural": "securitycontextconstraints", "singular": "securitycontextconstraints"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
            "type": "object",
            "required": ["allowHostDirVolumePlugin", "allowHostIPC", "allowHostNetwork", "allowHostPID", "allowHostPorts",
                         "allowPrivilegedContainer", "readOnlyRootFilesystem"],
            "properties": {
                **{key: {"type": "boolean"} for key in (
                    "allowHostDirVolumePlugin", "allowHostIPC", "allowHostNetwork", "allowHostPID", "allowHostPorts",
                    "allowPrivilegedContainer", "allowPrivilegeEscalation", "defaultAllowPrivilegeEscalation", "readOnlyRootFilesystem")},
                **{key: {"type": "array", "nullable": True, "items": {"type": "string"}} for key in (
                    "allowedCapabilities", "defaultAddCapabilities", "requiredDropCapabilities", "volumes", "users", "groups",
                    "seccompProfiles")},
                **{key: {"type": "object", "properties": {"type": {"type": "string"}}} for key in (
                    "runAsUser", "seLinuxContext", "fsGroup", "supplementalGroups")},
                "priority": {"type": "integer", "nullable": True}}}}}]}}


class ApiServer:
    """Used with `with`."""

    def __init__(self):
        for program in (BIN / "kube-apiserver", BIN / "kubectl"):
            if not program.exists():
                raise AssertionError(f"{program} is missing: run scripts/parts kube")
        if not ETCD.exists():
            raise AssertionError(f"{ETCD} is missing: run scripts/parts etcd-3.6")
        self.folder = tempfile.TemporaryDirectory()
        self.processes = []
        self.path = pathlib.Path(self.folder.name)
        self.kubeconfig = self.path / "kubeconfig"

    def __enter__(self):
        for attempt in range(3):
            try:
                self._start()
                return self
            except BaseException as error:
                self._stop()
                if attempt == 2 or "address already in use" not in str(error):
                    self.folder.cleanup()
                    raise

    def __exit__(self, *_):
        self._stop()
        self.folder.cleanup()

    def _stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def _spawn(self, *command):
        with open(self.path / (pathlib.Path(command[0]).name + ".log"), "wb") as log:
            self.processes.append(subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, cwd=self.path))

    def _start(self):
        client, peer, port = free_ports(3)
        etcd = f"http://127.0.0.1:{client}"
        self._spawn(ETCD, "--data-dir", self.path / "etcd", "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
                    "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--unsafe-no-fsync")
        key = self.path / "accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, stderr=subprocess.DEVNULL)
        (self.path / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
        self._spawn(BIN / "kube-apiserver", "--etcd-servers", etcd, "--secure-port", port, "--bind-address", "127.0.0.1",
                    "--advertise-address", "192.0.2.1", "--endpoint-reconciler-type", "none", "--cert-dir", self.path / "certificates",
                    "--token-auth-file", self.path / "tokens.csv", "--authorization-mode", "Node,RBAC",
                    "--service-cluster-ip-range", "10.96.0.0/16", "--service-account-issuer", "https://kubernetes.default.svc",
                    "--service-account-key-file", key, "--service-account-signing-key-file", key, "--allow-privileged=true")
        cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test", "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}]}))
        limit = time.monotonic() + 120
        while self.kubectl("get", "--raw", "/readyz")[0] != 0:
            ended = [process for process in self.processes if process.poll() is not None]
            if ended or time.monotonic() > limit:
                logs = [file.read_text(errors="replace")[-2000:] for file in self.path.glob("*.log")]
                raise AssertionError("the API server did not come up:\n" + "\n".join(logs))
            time.sleep(0.2)

    def run(self, *command, text=None):
        """Exit status, output, errors."""
        environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(self.path), "KUBECONFIG": str(self.kubeconfig)}
        done = subprocess.run([str(word) for word in command], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120, env=environment)
        return done.returncode, done.stdout, done.stderr

    def kubectl(self, *arguments, text=None):
        return self.run(BIN / "kubectl", *arguments, text=text)

    def must(self, *arguments, text=None):
        """The output of a kubectl that has to succeed."""
        status, out, errors = self.kubectl(*arguments, text=text)
        if status != 0:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))}: {errors}")
        return out

    def may(self, account, namespace, questions):
        """The (verb, group, resource, name) among these that NAMESPACE/ACCOUNT may, asked of the server's authorizer."""
        keys = ("verb", "group", "resource", "name")
        reviews = [{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": "system:serviceaccount:" + account.replace("/", ":"),
            "resourceAttributes": {"namespace": namespace, **dict(zip(keys, question))}}} for question in questions]
        answer = self.must("create", "-o", 'jsonpath={.status.allowed}{" "}', "-f", "-",
                           text=json.dumps({"apiVersion": "v1", "kind": "List", "items": reviews}))
        return {question for question, allowed in zip(questions, answer.split(), strict=True) if allowed == "true"}

    def get(self, *arguments):
        return json.loads(self.must("get", *arguments, "-o", "json"))
