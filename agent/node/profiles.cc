#include "node/profiles.h"

#include <array>

namespace snap::node {
namespace {

using namespace std::string_view_literals;

// OpenShift 4. Source: openshift/cluster-etcd-operator:bindata/etcd/cluster-backup.sh,
// cluster-restore.sh, etcd-common-tools, pod.gotpl.yaml, pkg/etcdenvvar/etcd_env.go;
// openshift/library-go:pkg/operator/staticpod/installerpod/cmd.go (it writes the node's name into
// etcd.env, and manifests as JSON in one line). The names of the bundles changed over the releases
// (etcd-serving-ca, etcd-all-bundles), so etcd.env is asked first, as the vendor's script does.
constexpr std::string_view kEtcdEnv =
    "/etc/kubernetes/static-pod-resources/etcd-certs/configmaps/etcd-scripts/etcd.env";
constexpr std::array kOpenshiftSigns = {kEtcdEnv, "/etc/kubernetes/manifests/etcd-pod.yaml"sv};
constexpr std::array kOpenshiftEtcd = {
    ConfigFile{.path = kEtcdEnv,
               .form = FileForm::environment,
               .moved = {"/etc/kubernetes/static-pod-certs",
                         "/etc/kubernetes/static-pod-resources/etcd-certs"}}};
constexpr std::array kOpenshiftControlPlane = {
    ConfigFile{"/etc/kubernetes/manifests/etcd-pod.yaml", FileForm::static_pod, "etcd"},
    ConfigFile{"/etc/kubernetes/manifests/kube-apiserver-pod.yaml", FileForm::static_pod,
               "kube-apiserver"},
    ConfigFile{"--openshift-config", FileForm::openshift_config}};
// The vendor's script takes the node's own address, too. etcdctl's are those of all members.
constexpr std::array kOpenshiftEndpoints = {
    EndpointFlag{"advertise-client-urls", "etcd can be reached at"},
    EndpointFlag{"etcdctl-endpoints", "etcdctl uses etcd at"},
    EndpointFlag{"etcd-servers", "the API server uses etcd at"}};
constexpr std::array kOpenshiftCa = {
    "--etcdctl-cacert"sv, "--trusted-ca-file"sv,
    "/etc/kubernetes/static-pod-resources/etcd-certs/configmaps/etcd-all-bundles/"
    "server-ca-bundle.crt"sv,
    "/etc/kubernetes/static-pod-resources/etcd-certs/configmaps/etcd-serving-ca/ca-bundle.crt"sv};
constexpr std::array kOpenshiftClients = {
    KeyPair{"--etcdctl-cert", "--etcdctl-key", "the certificate named for etcdctl"},
    KeyPair{"--peer-cert-file", "--peer-key-file",
            "etcd's peer certificate, which is one for clients too"}};
constexpr std::array kOpenshiftArchive = {
    Revisions{
        "/etc/kubernetes/manifests/kube-apiserver-pod.yaml",
        "/etc/kubernetes/static-pod-resources/kube-apiserver-pod-",
        "cluster-restore.sh unpacks it: the API server, its encryption keys if there are any"},
    Revisions{"/etc/kubernetes/manifests/kube-controller-manager-pod.yaml",
              "/etc/kubernetes/static-pod-resources/kube-controller-manager-pod-",
              "cluster-restore.sh unpacks it: the controller manager"},
    Revisions{"/etc/kubernetes/manifests/kube-scheduler-pod.yaml",
              "/etc/kubernetes/static-pod-resources/kube-scheduler-pod-",
              "cluster-restore.sh unpacks it: the scheduler"},
    Revisions{"/etc/kubernetes/manifests/etcd-pod.yaml",
              "/etc/kubernetes/static-pod-resources/etcd-pod-",
              "cluster-restore.sh unpacks it: etcd"}};
constexpr auto kEncryptionUse = "without it no Secret in the snapshot can be read"sv;
constexpr std::array kOpenshiftFlags = {ResourceFlag{"encryption-provider-config", kEncryptionUse}};

// Static pods, as kubeadm makes them. Source: kubernetes/kubernetes:
// cmd/kubeadm/app/constants/constants.go, cmd/kubeadm/app/phases/etcd/local.go,
// cmd/kubeadm/app/phases/controlplane/manifests.go. A control plane with an etcd elsewhere has no
// etcd.yaml; the API server's flags then say where etcd is. Other installers (Kublr, older
// kubespray) name the files *.manifest and keep data and certificates elsewhere: all that a
// manifest names is taken from there.
constexpr std::array kKubeadmSigns = {"/etc/kubernetes/manifests/etcd.yaml"sv,
                                      "/etc/kubernetes/manifests/etcd.manifest"sv,
                                      "/etc/kubernetes/manifests/kube-apiserver.yaml"sv,
                                      "/etc/kubernetes/manifests/kube-apiserver.manifest"sv};
constexpr std::array kKubeadmEtcd = {
    ConfigFile{"/etc/kubernetes/manifests/etcd.yaml", FileForm::static_pod, "etcd"},
    ConfigFile{"/etc/kubernetes/manifests/etcd.manifest", FileForm::static_pod, "etcd"}};
constexpr std::array kKubeadmControlPlane = {
    ConfigFile{"/etc/kubernetes/manifests/kube-apiserver.yaml", FileForm::static_pod,
               "kube-apiserver"},
    ConfigFile{"/etc/kubernetes/manifests/kube-apiserver.manifest", FileForm::static_pod,
               "kube-apiserver"},
    ConfigFile{"/etc/kubernetes/manifests/kube-controller-manager.yaml", FileForm::static_pod,
               "kube-controller-manager"},
    ConfigFile{"/etc/kubernetes/manifests/kube-controller-manager.manifest", FileForm::static_pod,
               "kube-controller-manager"}};
constexpr std::array kEndpoints = {EndpointFlag{"listen-client-urls", "etcd listens on", true},
                                   EndpointFlag{"etcd-servers", "the API server uses etcd at"}};
// --etcd-cafile is what the API server checks etcd with; --trusted-ca-file is what etcd checks its
// clients with, the same file unless somebody changed it.
constexpr std::array kKubeadmCa = {"--etcd-cafile"sv, "--trusted-ca-file"sv,
                                   "/etc/kubernetes/pki/etcd/ca.crt"sv};
constexpr std::array kKubeadmClients = {
    KeyPair{"/etc/kubernetes/pki/etcd/healthcheck-client.crt",
            "/etc/kubernetes/pki/etcd/healthcheck-client.key",
            "kubeadm's client certificate for health checks"},
    KeyPair{"--etcd-certfile", "--etcd-keyfile", "the API server's client certificate for etcd"},
    KeyPair{"/etc/kubernetes/pki/apiserver-etcd-client.crt",
            "/etc/kubernetes/pki/apiserver-etcd-client.key",
            "the API server's client certificate for etcd"},
    KeyPair{"--cert-file", "--key-file",
            "etcd's server certificate, which kubeadm makes for clients too"}};
// The kubeconfig files are those that static pods mount, and the administrator's.
constexpr auto kComponentUse = "a component's way to the API server: kubeadm can make it anew"sv;
constexpr std::array kKubeadmResources = {
    Resource{"/etc/kubernetes/manifests", "starts etcd and the control plane"},
    Resource{"/etc/kubernetes/pki",
             "certificates and keys: without them every node must join again"},
    Resource{"/etc/kubernetes/admin.conf", "the administrator's access: kubeadm can make it anew"},
    Resource{"/etc/kubernetes/controller-manager.conf", kComponentUse},
    Resource{"/etc/kubernetes/scheduler.conf", kComponentUse}};
constexpr std::array kKubeadmData = {"/var/lib/etcd"sv};
// Files without which the pods do not start, or Secrets cannot be read. Mostly below pki already.
constexpr std::array kControlPlaneFlags = {
    ResourceFlag{"encryption-provider-config", kEncryptionUse},
    ResourceFlag{"admission-control-config-file"},
    ResourceFlag{"audit-policy-file"},
    ResourceFlag{"audit-webhook-config-file"},
    ResourceFlag{"authentication-config"},
    ResourceFlag{"authentication-token-webhook-config-file"},
    ResourceFlag{"authorization-config"},
    ResourceFlag{"authorization-webhook-config-file"},
    ResourceFlag{"client-ca-file"},
    ResourceFlag{"cluster-signing-cert-file"},
    ResourceFlag{"cluster-signing-key-file"},
    ResourceFlag{"egress-selector-config-file"},
    ResourceFlag{"etcd-cafile"},
    ResourceFlag{"etcd-certfile"},
    ResourceFlag{"etcd-keyfile"},
    ResourceFlag{"kubelet-certificate-authority"},
    ResourceFlag{"kubelet-client-certificate"},
    ResourceFlag{"kubelet-client-key"},
    ResourceFlag{"oidc-ca-file"},
    ResourceFlag{"proxy-client-cert-file"},
    ResourceFlag{"proxy-client-key-file"},
    ResourceFlag{"requestheader-client-ca-file"},
    ResourceFlag{"root-ca-file"},
    ResourceFlag{"service-account-key-file"},
    ResourceFlag{"service-account-private-key-file"},
    ResourceFlag{"service-account-signing-key-file"},
    ResourceFlag{"tls-cert-file"},
    ResourceFlag{"tls-private-key-file"},
    ResourceFlag{"trusted-ca-file"},
    ResourceFlag{"cert-file"},
    ResourceFlag{"key-file"},
    ResourceFlag{"peer-trusted-ca-file"},
    ResourceFlag{"peer-cert-file"},
    ResourceFlag{"peer-key-file"}};

// RKE2 and k3s. Source: k3s-io/k3s:pkg/etcd/etcd.go, pkg/daemons/control/deps/deps.go (the files
// below server/tls and server/cred), pkg/daemons/executor/etcd.go (etcd's config file);
// rancher/rke2:pkg/podexecutor/staticpod.go; docs.k3s.io/datastore/backup-restore (the token).
constexpr auto kTlsUse = "certificates and keys: without them every node must join again"sv;
constexpr auto kCredUse =
    "encryption keys and components' access: without them no encrypted Secret "
    "in the snapshot can be read"sv;
constexpr auto kTokenUse =
    "the snapshot cannot be used without it: it decrypts what a server keeps "
    "in etcd"sv;
constexpr auto kConfigUse = "the server's settings"sv;
constexpr auto kAddOnUse = "add-ons that the server deploys"sv;
constexpr std::array kRancherEndpoints = {
    EndpointFlag{"listen-client-urls", "etcd listens on", true}};
constexpr std::array kRancherFlags = {ResourceFlag{"encryption-provider-config", kEncryptionUse},
                                      ResourceFlag{"admission-control-config-file"},
                                      ResourceFlag{"audit-policy-file"},
                                      ResourceFlag{"authentication-config"},
                                      ResourceFlag{"authorization-config"},
                                      ResourceFlag{"oidc-ca-file"}};

constexpr std::array kRke2Signs = {"/var/lib/rancher/rke2/server"sv,
                                   "/var/lib/rancher/rke2/agent"sv};
constexpr auto kElsewhere =
    "run etcd-snapshot on a server that has one, or set etcd.endpoints, etcd.cacert, etcd.cert and "
    "etcd.key"sv;
constexpr std::array kRke2WithoutEtcd = {
    WithoutEtcd{"/var/lib/rancher/rke2/agent", "/var/lib/rancher/rke2/server",
                "this host is an RKE2 agent: it has no etcd", kElsewhere},
    WithoutEtcd{"/var/lib/rancher/rke2/server", "/var/lib/rancher/rke2/server/db/etcd",
                "this RKE2 server has no etcd of its own", kElsewhere}};
constexpr std::array kRke2Etcd = {
    ConfigFile{"/var/lib/rancher/rke2/agent/pod-manifests/etcd.yaml", FileForm::static_pod, "etcd"},
    ConfigFile{"/var/lib/rancher/rke2/server/db/etcd/config", FileForm::etcd_yaml}};
constexpr std::array kRke2ControlPlane = {
    ConfigFile{"/var/lib/rancher/rke2/agent/pod-manifests/kube-apiserver.yaml",
               FileForm::static_pod, "kube-apiserver"}};
constexpr std::array kRke2Ca = {"--etcd-cafile"sv,
                                "/var/lib/rancher/rke2/server/tls/etcd/server-ca.crt"sv};
constexpr std::array kRke2Clients = {
    KeyPair{"/var/lib/rancher/rke2/server/tls/etcd/client.crt",
            "/var/lib/rancher/rke2/server/tls/etcd/client.key",
            "the API server's client certificate for etcd"},
    KeyPair{"--etcd-certfile", "--etcd-keyfile", "the API server's client certificate for etcd"}};
constexpr std::array kRke2Data = {"/var/lib/rancher/rke2/server/db/etcd"sv};
constexpr std::array kRke2Resources = {
    Resource{"/var/lib/rancher/rke2/server/tls", kTlsUse},
    Resource{"/var/lib/rancher/rke2/server/cred", kCredUse},
    Resource{"/var/lib/rancher/rke2/server/token", kTokenUse},
    Resource{"/var/lib/rancher/rke2/server/manifests", kAddOnUse},
    Resource{"/var/lib/rancher/rke2/agent/pod-manifests",
             "static pods, to look up how they ran: the server makes them anew"},
    Resource{"/etc/rancher/rke2", kConfigUse}};

constexpr std::array kK3sSigns = {"/var/lib/rancher/k3s/server"sv, "/var/lib/rancher/k3s/agent"sv};
constexpr std::array kK3sWithoutEtcd = {
    WithoutEtcd{"/var/lib/rancher/k3s/agent", "/var/lib/rancher/k3s/server",
                "this host is a k3s agent: it has no etcd", kElsewhere},
    WithoutEtcd{
        "/var/lib/rancher/k3s/server/db/state.db", "/var/lib/rancher/k3s/server/db/etcd",
        "this k3s server keeps its data in SQLite and not in etcd",
        "stop k3s and copy /var/lib/rancher/k3s/server/db and server/token, or move to etcd: "
        "k3s server --cluster-init"},
    WithoutEtcd{"/var/lib/rancher/k3s/server", "/var/lib/rancher/k3s/server/db/etcd",
                "this k3s server has no etcd of its own", kElsewhere}};
constexpr std::array kK3sEtcd = {
    ConfigFile{"/var/lib/rancher/k3s/server/db/etcd/config", FileForm::etcd_yaml}};
constexpr std::array kK3sCa = {"/var/lib/rancher/k3s/server/tls/etcd/server-ca.crt"sv,
                               "--trusted-ca-file"sv};
constexpr std::array kK3sClients = {KeyPair{"/var/lib/rancher/k3s/server/tls/etcd/client.crt",
                                            "/var/lib/rancher/k3s/server/tls/etcd/client.key",
                                            "the API server's client certificate for etcd"}};
constexpr std::array kK3sData = {"/var/lib/rancher/k3s/server/db/etcd"sv};
constexpr std::array kK3sResources = {Resource{"/var/lib/rancher/k3s/server/tls", kTlsUse},
                                      Resource{"/var/lib/rancher/k3s/server/cred", kCredUse},
                                      Resource{"/var/lib/rancher/k3s/server/token", kTokenUse},
                                      Resource{"/var/lib/rancher/k3s/server/manifests", kAddOnUse},
                                      Resource{"/etc/rancher/k3s", kConfigUse}};

// etcd as a service of the host. The YAML file is etcd's own sample name; the environment files are
// those of Debian's package, of Fedora's and RHEL's, and of kubespray.
constexpr std::array kPlainEtcd = {ConfigFile{"/etc/etcd/etcd.conf.yml", FileForm::etcd_yaml},
                                   ConfigFile{"/etc/etcd/etcd.conf.yaml", FileForm::etcd_yaml},
                                   ConfigFile{"/etc/etcd/etcd.conf", FileForm::environment},
                                   ConfigFile{"/etc/etcd.env", FileForm::environment},
                                   ConfigFile{"/etc/default/etcd", FileForm::environment}};
constexpr std::array kPlainCa = {"--etcdctl-cacert"sv, "--trusted-ca-file"sv};
constexpr std::array kPlainClients = {
    KeyPair{"--etcdctl-cert", "--etcdctl-key", "the certificate named for etcdctl"},
    KeyPair{"--cert-file", "--key-file",
            "etcd's server certificate (it must be good for clients too)"}};
// The first is the one of Debian's unit.
constexpr std::array kPlainData = {"/var/lib/etcd/default"sv, "/var/lib/etcd"sv};
constexpr std::array kPlainFlags = {
    ResourceFlag{"trusted-ca-file"}, ResourceFlag{"cert-file"},
    ResourceFlag{"key-file"},        ResourceFlag{"peer-trusted-ca-file"},
    ResourceFlag{"peer-cert-file"},  ResourceFlag{"peer-key-file"}};

constexpr std::array kProfiles = {
    Profile{.name = "openshift",
            .title = "an OpenShift control plane",
            .recognised_by = kOpenshiftSigns,
            .etcd = kOpenshiftEtcd,
            .control_plane = kOpenshiftControlPlane,
            .endpoints = kOpenshiftEndpoints,
            .default_endpoint = "https://127.0.0.1:2379",
            .cacerts = kOpenshiftCa,
            .clients = kOpenshiftClients,
            .data_dirs = kKubeadmData,
            .resource_flags = kOpenshiftFlags,
            .vendor_archive = kOpenshiftArchive,
            .vendor_directory = "/etc/kubernetes"},
    Profile{.name = "rke2",
            .title = "an RKE2 node",
            .recognised_by = kRke2Signs,
            .without_etcd = kRke2WithoutEtcd,
            .etcd = kRke2Etcd,
            .control_plane = kRke2ControlPlane,
            .endpoints = kRancherEndpoints,
            .default_endpoint = "https://127.0.0.1:2379",
            .cacerts = kRke2Ca,
            .clients = kRke2Clients,
            .data_dirs = kRke2Data,
            .resources = kRke2Resources,
            .resource_flags = kRancherFlags},
    Profile{.name = "k3s",
            .title = "a k3s node",
            .recognised_by = kK3sSigns,
            .without_etcd = kK3sWithoutEtcd,
            .etcd = kK3sEtcd,
            .control_plane = {},
            .endpoints = kRancherEndpoints,
            .default_endpoint = "https://127.0.0.1:2379",
            .cacerts = kK3sCa,
            .clients = kK3sClients,
            .data_dirs = kK3sData,
            .resources = kK3sResources,
            .resource_flags = {}},
    Profile{.name = "kubeadm",
            .title = "a control plane of static pods, as kubeadm makes it",
            .recognised_by = kKubeadmSigns,
            .etcd = kKubeadmEtcd,
            .control_plane = kKubeadmControlPlane,
            .endpoints = kEndpoints,
            .default_endpoint = "https://127.0.0.1:2379",
            .cacerts = kKubeadmCa,
            .clients = kKubeadmClients,
            .data_dirs = kKubeadmData,
            .resources = kKubeadmResources,
            .resource_flags = kControlPlaneFlags},
    Profile{.name = "plain",
            .title = "etcd as a service of the host, without Kubernetes",
            .recognised_by = {},
            .etcd = kPlainEtcd,
            .control_plane = {},
            .endpoints = kEndpoints,
            .default_endpoint = "http://127.0.0.1:2379",
            .cacerts = kPlainCa,
            .clients = kPlainClients,
            .data_dirs = kPlainData,
            .resource_flags = kPlainFlags,
            .archive_etcd_config = true}};

}  // namespace

std::span<const Profile> profiles() { return kProfiles; }

}  // namespace snap::node
