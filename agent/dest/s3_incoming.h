// A group on its way into a bucket. Private to this room.
#pragma once

#include <memory>
#include <string>

#include "dest/destination.h"
#include "dest/s3_group.h"

namespace snap::dest {

// `token`: the content of the group's claim, that it is ours. `left`: what an earlier try left of
// it. The marker is kept in memory until publish() puts it.
std::unique_ptr<Incoming> s3_incoming(std::shared_ptr<S3Account> account, const S3Keys& keys,
                                      const std::string& group, const std::string& token,
                                      const Listing& left);

}  // namespace snap::dest
