// Objects on their way to a bucket and from it. Private to this room.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dest/s3_line.h"
#include "stream/sha256.h"
#include "stream/stream.h"

namespace snap::dest {

// What was sent, when all of it arrived by the server's own word.
struct Sent {
  uint64_t size_bytes = 0;
  std::string checksum;                 // as ObjectHead::checksum
  std::optional<stream::Digest> whole;  // where the server checks checksums
};

// The size of part `number` (from 1): the size of the whole is not known when the first is sent,
// a server takes 10,000 parts, and each in flight takes memory. 8 MiB for the first 16 GiB, then
// more; 10,000 of these parts hold 484 GiB.
size_t part_bytes(int number);

// A new object, in parts of which four are sent at once when there is more than one. Its digest is
// computed on the way, and each part carries its own. Destroyed without finish(), or after an
// Error, it aborts what the server keeps of it. `in_parts` is asked once the server keeps parts, an
// Error of it ends the upload; `done` is told at the end of finish().
std::unique_ptr<stream::Sink> upload(std::shared_ptr<S3Account> account, std::string key,
                                     std::function<Result<void>()> in_parts,
                                     std::function<void(const Sent&)> done);

// An object, from its beginning: asked for now, over a connection of its own. What is cut goes on
// where it was, if the object is still the same. Error: not_found.
Result<std::unique_ptr<stream::Source>> download(const std::shared_ptr<S3Account>& account,
                                                 std::string key);

}  // namespace snap::dest
