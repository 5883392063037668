// Events of events.k8s.io/v1: what `kubectl get events` shows for an hour.
//
// Limits and fields: kubernetes/api:events/v1/types.go; the rule that an event lies in the
// namespace of what it regards: kubernetes/kubernetes:pkg/apis/core/validation/events.go.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "kube/client.h"

namespace snap::kube {

struct Event {
  std::string name_space;                    // of the event and of what it regards
  std::string api_version, kind, name, uid;  // what it regards: "batch/v1", "Job"; uid may be empty
  bool warning = false;
  std::string reason;    // one word: "BackupSucceeded"
  std::string action;    // one word: "Backup"
  std::string note;      // for people; cut to 1000 bytes
  std::string instance;  // who reports: the pod or the node; cut to 128 bytes
};

// Creates it. `at`: the wall clock. A repeat after an answer that was lost makes no second one.
//
// Errors: as of Client
Result<void> create_event(Client& client, const Event& event,
                          std::chrono::system_clock::time_point at);

// Asks whether we may, without creating anything.
//
// Errors: as of Client; denied  we may not
Result<void> may_create_events(Client& client, const std::string& name_space);

}  // namespace snap::kube
