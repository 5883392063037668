// Asking all members at once. Private to this room.
#pragma once

#include <string>
#include <vector>

#include "etcd/session.h"
#include "etcd/status.h"

namespace snap::etcd {

Result<Survey> ask_all(Session& session, const std::vector<std::string>& endpoints);

}  // namespace snap::etcd
