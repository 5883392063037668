// PersistentVolumes that are NFS exports.
//
// Fields: kubernetes/api:core/v1/types.go (NFSVolumeSource, CSIPersistentVolumeSource);
// kubernetes-csi/csi-driver-nfs:pkg/nfs/nodeserver.go for server, share and subDir.
#pragma once

#include <string>

#include "base/result.h"
#include "kube/client.h"

namespace snap::kube {

struct NfsExport {
  std::string server, path;
};

// Server and path of the volume `name`: its `nfs:`, or its `csi:` of the driver nfs.csi.k8s.io.
//
// Errors: as of Client; invalid  the volume is of another kind, or is read-only
Result<NfsExport> nfs_volume(Client& client, const std::string& name);

}  // namespace snap::kube
