// tar.gz into a Sink, byte for byte the same for the same entries. Private to this room.
//
// GNU tar format: long names and large owners without extension headers, name bytes as they are.
// Format: libarchive's archive_write_set_format_gnutar.c.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "node/host_tree.h"
#include "stream/stream.h"

namespace snap::node {

class TarWriter {
 public:
  // The sink must outlive the writer; it is not finished.
  static Result<TarWriter> open(stream::Sink& sink);
  TarWriter(TarWriter&& other) noexcept;
  ~TarWriter();  // without close(): what was written is no archive

  // Starts an entry with the owner, mode and time of `info`. For a regular file info.size bytes of
  // data must follow; for a symlink `target` counts.
  Result<void> entry(const std::string& path, const FileInfo& info, const std::string& target);
  Result<void> data(Bytes bytes);
  Result<void> close();

 private:
  struct State;
  explicit TarWriter(std::unique_ptr<State> state);
  // The sink's own Error where it had one, else libarchive's.
  std::unexpected<Error> failed(std::string_view doing) const;
  std::unique_ptr<State> state_;
};

}  // namespace snap::node
