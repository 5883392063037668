#include "node/profiles.h"

#include <array>

namespace snap::node {
namespace {

using namespace std::string_view_literals;

// kubeadm. Source: kubernetes/kubernetes:cmd/kubeadm/app/constants/constants.go,
// cmd/kubeadm/app/phases/etcd/local.go, cmd/kubeadm/app/phases/controlplane/manifests.go. A control
// plane with an etcd elsewhere has no etcd.yaml; the API server's flags then say where etcd is.
constexpr std::array kKubeadmSigns = {"/etc/kubernetes/manifests/etcd.yaml"sv,
                                      "/etc/kubernetes/manifests/kube-apiserver.yaml"sv};
constexpr std::array kKubeadmEtcd = {
    ConfigFile{"/etc/kubernetes/manifests/etcd.yaml", FileForm::static_pod, "etcd"}};
constexpr std::array kKubeadmControlPlane = {
    ConfigFile{"/etc/kubernetes/manifests/kube-apiserver.yaml", FileForm::static_pod,
               "kube-apiserver"},
    ConfigFile{"/etc/kubernetes/manifests/kube-controller-manager.yaml", FileForm::static_pod,
               "kube-controller-manager"}};
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
constexpr std::array kKubeadmResources = {
    "/etc/kubernetes/manifests"sv, "/etc/kubernetes/pki"sv, "/etc/kubernetes/admin.conf"sv,
    "/etc/kubernetes/controller-manager.conf"sv, "/etc/kubernetes/scheduler.conf"sv};
constexpr std::array kKubeadmData = {"/var/lib/etcd"sv};
// Files without which the pods do not start, or Secrets cannot be read. Mostly below pki already.
constexpr std::array kControlPlaneFlags = {"encryption-provider-config"sv,
                                           "admission-control-config-file"sv,
                                           "audit-policy-file"sv,
                                           "audit-webhook-config-file"sv,
                                           "authentication-config"sv,
                                           "authentication-token-webhook-config-file"sv,
                                           "authorization-config"sv,
                                           "authorization-webhook-config-file"sv,
                                           "client-ca-file"sv,
                                           "cluster-signing-cert-file"sv,
                                           "cluster-signing-key-file"sv,
                                           "egress-selector-config-file"sv,
                                           "etcd-cafile"sv,
                                           "etcd-certfile"sv,
                                           "etcd-keyfile"sv,
                                           "kubelet-certificate-authority"sv,
                                           "kubelet-client-certificate"sv,
                                           "kubelet-client-key"sv,
                                           "oidc-ca-file"sv,
                                           "proxy-client-cert-file"sv,
                                           "proxy-client-key-file"sv,
                                           "requestheader-client-ca-file"sv,
                                           "root-ca-file"sv,
                                           "service-account-key-file"sv,
                                           "service-account-private-key-file"sv,
                                           "service-account-signing-key-file"sv,
                                           "tls-cert-file"sv,
                                           "tls-private-key-file"sv,
                                           "trusted-ca-file"sv,
                                           "cert-file"sv,
                                           "key-file"sv,
                                           "peer-trusted-ca-file"sv,
                                           "peer-cert-file"sv,
                                           "peer-key-file"sv};

// etcd as a service of the host. The YAML file is etcd's own sample name; the environment files are
// those of Debian's package, of Fedora's and RHEL's, and of kubespray.
constexpr std::array kPlainEtcd = {ConfigFile{"/etc/etcd/etcd.conf.yml", FileForm::etcd_yaml, ""},
                                   ConfigFile{"/etc/etcd/etcd.conf.yaml", FileForm::etcd_yaml, ""},
                                   ConfigFile{"/etc/etcd/etcd.conf", FileForm::environment, ""},
                                   ConfigFile{"/etc/etcd.env", FileForm::environment, ""},
                                   ConfigFile{"/etc/default/etcd", FileForm::environment, ""}};
constexpr std::array kPlainCa = {"--etcdctl-cacert"sv, "--trusted-ca-file"sv};
constexpr std::array kPlainClients = {
    KeyPair{"--etcdctl-cert", "--etcdctl-key", "the certificate named for etcdctl"},
    KeyPair{"--cert-file", "--key-file",
            "etcd's server certificate (it must be good for clients too)"}};
// The first is the one of Debian's unit.
constexpr std::array kPlainData = {"/var/lib/etcd/default"sv, "/var/lib/etcd"sv};
constexpr std::array kPlainFlags = {"trusted-ca-file"sv, "cert-file"sv,
                                    "key-file"sv,        "peer-trusted-ca-file"sv,
                                    "peer-cert-file"sv,  "peer-key-file"sv};

constexpr std::array kProfiles = {
    Profile{.name = "kubeadm",
            .title = "a control plane made by kubeadm",
            .recognised_by = kKubeadmSigns,
            .etcd = kKubeadmEtcd,
            .control_plane = kKubeadmControlPlane,
            .default_endpoint = "https://127.0.0.1:2379",
            .cacerts = kKubeadmCa,
            .clients = kKubeadmClients,
            .data_dirs = kKubeadmData,
            .resources = kKubeadmResources,
            .resource_flags = kControlPlaneFlags,
            .archive_etcd_config = false},  // lies below a resource
    Profile{.name = "plain",
            .title = "etcd as a service of the host, without Kubernetes",
            .recognised_by = {},
            .etcd = kPlainEtcd,
            .control_plane = {},
            .default_endpoint = "http://127.0.0.1:2379",
            .cacerts = kPlainCa,
            .clients = kPlainClients,
            .data_dirs = kPlainData,
            .resources = {},
            .resource_flags = kPlainFlags,
            .archive_etcd_config = true}};

}  // namespace

std::span<const Profile> profiles() { return kProfiles; }

}  // namespace snap::node
