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

// Writes into a new, empty, open file. Write-back starts while bytes still arrive, so that the
// fsync in finish() is short. finish() syncs and closes the file; name and directory are the
// caller's business, removal after an error too.
std::unique_ptr<Sink> file_sink(Fd fd, std::string what);

}  // namespace snap::stream
