# Shared by the scripts beside it; sourced. up and node set work, the directory of the cluster, before they call these. Names, places, flags and groups are those of kubeadm.
# shellcheck shell=bash disable=SC2034,SC2154

kube_version=v1.33.13 # from 1.35 on kubelets refuse cgroup v1 unless failCgroupV1 is false
kube_etcd_version=v3.5.33
kube_cache=${KUBE_CACHE:-${ETCD_SNAPSHOT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/etcd-snapshot}/kube-$kube_version}
bin=$kube_cache/bin
etcd_image=localhost/etcd:$kube_etcd_version kube_image=localhost/kube:$kube_version pause_image=localhost/pause:1

# The kubelet refuses a loopback address as node address and the API server refuses to publish one, so nodes have addresses on a bridge
# without ports. Everything else listens on 127.0.0.1; etcd on both, as with kubeadm.
node_bridge=kube-node0 node_net=10.250.0 api_ip=10.250.0.1
pod_bridge=kube-pod0 pod_net=10.244
service_cidr=10.96.0.0/16 service_ip=10.96.0.1 dns_ip=10.96.0.10
etc=/etc/kubernetes pki=/etc/kubernetes/pki etcd_data=/var/lib/etcd

say() { printf '%s %s: %s\n' "$(date -u +%T)" "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# start NAME COMMAND...: in the background, with its log; restart repeats the same command.
start() {
  local name=$1
  shift
  printf '#!/usr/bin/env bash\nexec setsid %s >>%q 2>&1 </dev/null\n' "${*@Q}" "$work/log/$name.log" >"$work/run/$name.start"
  chmod +x "$work/run/$name.start"
  "$work/run/$name.start" &
  echo $! >"$work/run/$name.pid"
}

wait_for() { # SECONDS WHAT COMMAND...
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt "$limit" ] || die "gave up waiting until $what; logs are in $work/log"
    sleep 0.2
  done
}
node_ready() { [ "$("$bin/kubectl" get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

ca() { # FILE-STEM COMMON-NAME
  openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj "/CN=$2" -keyout "$1.key" -out "$1.crt" \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign' \
    -addext "subjectAltName=DNS:$2" 2>>"$work/log/pki.log"
}
cert() { # CA-STEM FILE-STEM SUBJECT EXTENDED-USAGE [SAN]
  {
    echo 'basicConstraints=critical,CA:FALSE'
    echo 'keyUsage=critical,digitalSignature,keyEncipherment'
    echo "extendedKeyUsage=$4"
    echo 'authorityKeyIdentifier=keyid'
    [ -z "${5:-}" ] || echo "subjectAltName=$5"
  } >"$2.ext"
  openssl req -newkey rsa:2048 -nodes -sha256 -subj "$3" -keyout "$2.key" -out "$2.csr" 2>>"$work/log/pki.log"
  openssl x509 -req -sha256 -days 365 -in "$2.csr" -CA "$1.crt" -CAkey "$1.key" \
    -set_serial "0x$(openssl rand -hex 8)" -extfile "$2.ext" -out "$2.crt" 2>>"$work/log/pki.log"
  rm -f "$2.ext" "$2.csr"
}
kubeconfig() { # FILE SUBJECT USER: with a client certificate of its own
  local stem=$work/run/${3//:/-}
  cert "$pki/ca" "$stem" "$2" clientAuth
  cat >"$1" <<END
apiVersion: v1
kind: Config
clusters:
- name: kubernetes
  cluster: {server: "https://$api_ip:6443", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}
users:
- name: "$3"
  user: {client-certificate-data: $(base64 -w0 "$stem.crt"), client-key-data: $(base64 -w0 "$stem.key")}
contexts:
- name: "$3@kubernetes"
  context: {cluster: kubernetes, user: "$3"}
current-context: "$3@kubernetes"
END
  rm -f "$stem".{crt,key}
}
etcd_certs() { # PKI-DIR NAME ADDRESS: what a member needs beside the authority
  local san="DNS:localhost,DNS:$2,IP:127.0.0.1,IP:::1,IP:$3"
  cert "$1/etcd/ca" "$1/etcd/server" "/CN=$2" serverAuth,clientAuth "$san"
  cert "$1/etcd/ca" "$1/etcd/peer" "/CN=$2" serverAuth,clientAuth "$san"
  cert "$1/etcd/ca" "$1/etcd/healthcheck-client" /CN=kube-etcd-healthcheck-client clientAuth
}
set_etcd_args() { # NAME ADDRESS INITIAL-CLUSTER new|existing
  etcd_args=(--name="$1" --data-dir="$etcd_data" --snapshot-count=10000
    --listen-client-urls="https://127.0.0.1:2379,https://$2:2379" --advertise-client-urls="https://$2:2379"
    --listen-peer-urls="https://$2:2380" --initial-advertise-peer-urls="https://$2:2380"
    --initial-cluster="$3" --initial-cluster-state="$4" --listen-metrics-urls=http://127.0.0.1:2381
    --client-cert-auth=true --trusted-ca-file="$pki/etcd/ca.crt" --cert-file="$pki/etcd/server.crt" --key-file="$pki/etcd/server.key"
    --peer-client-cert-auth=true --peer-trusted-ca-file="$pki/etcd/ca.crt"
    --peer-cert-file="$pki/etcd/peer.crt" --peer-key-file="$pki/etcd/peer.key")
}

# static_pod MANIFESTS NAME IMAGE PROBE-HOST PROBE-PORT PROBE-PATH SCHEME COMMAND...
static_pod() {
  local manifests=$1 name=$2 image=$3 probe arg
  probe="httpGet: {host: $4, port: $5, path: \"$6\", scheme: $7}"
  shift 7
  {
    cat <<END
apiVersion: v1
kind: Pod
metadata:
  name: $name
  namespace: kube-system
  labels: {component: $name, tier: control-plane}
spec:
  hostNetwork: true
  priorityClassName: system-node-critical
  containers:
  - name: $name
    image: $image
    imagePullPolicy: IfNotPresent
    command:
END
    for arg; do echo "    - $arg"; done
    cat <<END
    resources: {requests: {cpu: 50m}}
    livenessProbe: {$probe, initialDelaySeconds: 10, periodSeconds: 10, timeoutSeconds: 15, failureThreshold: 8}
    startupProbe: {$probe, periodSeconds: 2, timeoutSeconds: 15, failureThreshold: 60}
    volumeMounts:
    - {name: k8s, mountPath: $etc, readOnly: true}
END
    [ "$name" != etcd ] || echo "    - {name: etcd-data, mountPath: $etcd_data}"
    echo '  volumes:'
    echo "  - {name: k8s, hostPath: {path: $etc, type: Directory}}"
    [ "$name" != etcd ] || echo "  - {name: etcd-data, hostPath: {path: $etcd_data, type: DirectoryOrCreate}}"
  } >"$work/run/$name.yaml"
  mv "$work/run/$name.yaml" "$manifests/$name.yaml" # written aside: the kubelet would read half a file
}

# runtime DIR NUMBER: configuration of containerd, with everything below DIR, and of the pods' network
runtime() {
  cat >"$1/containerd/config.toml" <<END
version = 2
root = "$1/containerd/root"
state = "$1/containerd/state"
[grpc]
  address = "$1/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$1/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pause_image"
  restrict_oom_score_adj = true        # lowering oom_score_adj needs CAP_SYS_RESOURCE
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$1/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "$1/containerd/runc"
END
  cat >"$1/cni/net.d/10-bridge.conflist" <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "$pod_bridge", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$1/cni/ipam", "ranges": [[{"subnet": "$pod_net.$2.0/24"}]],
            "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}
]}
END
}

# kubelet_config DIR ADDRESS NUMBER: its pods live in a cgroup of their own
kubelet_config() {
  local hierarchy file
  for hierarchy in /sys/fs/cgroup/cpuset /sys/fs/cgroup/*/; do mkdir -p "$hierarchy/etcd-snapshot-$3" 2>/dev/null || true; done
  # Children of a cpuset start empty in version 1 and then take no process.
  for file in cpuset.cpus cpuset.mems; do
    [ ! -e "/sys/fs/cgroup/cpuset/$file" ] || cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset/etcd-snapshot-$3/$file"
  done
  [ ! -e /sys/fs/cgroup/cgroup.controllers ] || mkdir -p "/sys/fs/cgroup/etcd-snapshot-$3"
  cat >"$1/kubelet/config.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $2
healthzBindAddress: 127.0.0.1
containerRuntimeEndpoint: unix://$1/containerd/containerd.sock
staticPodPath: $etc/manifests
fileCheckFrequency: 1s
podLogsDir: $1/log/pods
volumePluginDir: $1/kubelet/volume-plugins
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
clusterDomain: cluster.local
clusterDNS: [$dns_ip]
cgroupDriver: cgroupfs
cgroupRoot: /etcd-snapshot-$3
failCgroupV1: false
failSwapOn: false
protectKernelDefaults: false
oomScoreAdj: 0
maxOpenFiles: $(ulimit -Hn)
makeIPTablesUtilChains: false
imageGCHighThresholdPercent: 100   # images come from files; nothing could pull them again
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
END
}

kube_proxy_config() { # FILE NODE ADDRESS
  cat >"$1" <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: 0.0.0.0
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
clientConnection: {kubeconfig: $work/run/kube-proxy.conf}
clusterCIDR: $pod_net.0.0/16
hostnameOverride: $2
mode: iptables
oomScoreAdj: 0
nodePortAddresses: [$3/32]
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
END
}

# load SOCKET ARCHIVE...: images for the node of that containerd
load() {
  local socket=$1 archive
  shift
  for archive; do ctr -a "$socket" -n k8s.io image import "$archive" >>"$work/log/images.log" 2>&1 || die "$archive is no image"; done
}

# pack ARCHIVE NAME FILE=PATH...: an image that holds PATH of this machine as /FILE, in the form of "docker save"
pack() {
  local archive=$1 name=$2 dir=$work/run/pack layer file
  shift 2
  rm -rf "$dir"
  mkdir -p "$dir/root/tmp"
  for file; do
    mkdir -p "$(dirname "$dir/root/${file%%=*}")"
    cp "${file#*=}" "$dir/root/${file%%=*}"
  done
  tar -C "$dir/root" --owner=0 --group=0 --sort=name -cf "$dir/layer.tar" .
  layer=$(sha256sum <"$dir/layer.tar" | cut -d' ' -f1)
  jq -cn --arg diff "sha256:$layer" --arg entry "/${1%%=*}" \
    '{architecture: "amd64", os: "linux", config: {Entrypoint: [$entry], Env: ["PATH=/usr/bin"]}, rootfs: {type: "layers", diff_ids: [$diff]}}' >"$dir/config.json"
  jq -cn --arg name "$name" '[{Config: "config.json", RepoTags: [$name], Layers: ["layer.tar"]}]' >"$dir/manifest.json"
  tar -C "$dir" -cf "$archive.new" manifest.json config.json layer.tar
  mv "$archive.new" "$archive"
  rm -rf "$dir"
}
