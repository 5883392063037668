// Files as streams.
#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "stream/stream.h"

namespace snap::stream {

// Reads an open regular file from its start. `what` names it in errors.
std::unique_ptr<Source> file_source(Fd fd, std::string what);

// Opens and reads a file; no symlink is followed in the last component, a fifo or device is
// refused.
Result<std::unique_ptr<Source>> open_file_source(const std::string& path);

// The same from the disk itself, not from our memory of what was written: past the page cache where
// the file system allows it, else after the file was dropped from there. Only what was synced can
// be dropped: fsync comes before. `fd` is an open file of its own, not a duplicate.
std::unique_ptr<Source> disk_source(Fd fd, std::string what);

enum class Caching {
  bypass,  // past the page cache where the file system allows it: least time of the processor
  keep     // what is read again at once stays in the page cache; the reader drops it
};

// Writes into a new, empty, open file. Write-back starts while bytes still arrive, so that the
// fsync in finish() is short. finish() syncs and closes the file; name and directory are the
// caller's business, removal after an error too.
std::unique_ptr<Sink> file_sink(Fd fd, std::string what, Caching caching);

}  // namespace snap::stream
