#include "node/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>

#include <exception>
#include <format>
#include <new>
#include <optional>

#include "base/exception.h"
#include "base/handle.h"
#include "base/text.h"

namespace snap::node {
namespace {

using Archive = Handle<archive, &archive_write_free>;
using ArchiveEntryHandle = Handle<archive_entry, &archive_entry_free>;

}  // namespace

struct TarWriter::State {
  stream::Sink* sink = nullptr;
  std::optional<Error> sink_error;
  bool abandoned = false;  // close() did not happen and will not
  Archive archive;         // freed first: freeing it may still call write()

  // Never tells libarchive of a failure: an archive in that state leaks its compressor when it is
  // freed (seen with 3.7.4). The members look at sink_error after each call instead.
  static la_ssize_t write(struct archive*, void* state, const void* data, size_t size) {
    auto& self = *static_cast<State*>(state);
    if (self.sink_error || self.abandoned) return static_cast<la_ssize_t>(size);
    try {
      auto written = self.sink->write({static_cast<const std::byte*>(data), size});
      if (!written) self.sink_error = written.error();
    } catch (const std::exception& error) {  // must not cross C code
      self.sink_error = error_of(error);
    }
    return static_cast<la_ssize_t>(size);
  }
};

TarWriter::TarWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarWriter::TarWriter(TarWriter&& other) noexcept = default;

TarWriter::~TarWriter() {
  // Freeing an archive that was not closed writes its end, as if it were whole: not into the sink.
  if (state_) state_->abandoned = true;
}

std::unexpected<Error> TarWriter::failed(std::string_view doing) const {
  if (state_->sink_error) return std::unexpected(*state_->sink_error);
  const char* text = state_->archive ? archive_error_string(state_->archive.get()) : nullptr;
  return fail(Code::internal, std::format("{}: {}", doing, escaped(text ? text : "libarchive")));
}

Result<TarWriter> TarWriter::open(stream::Sink& sink) {
  auto state = std::make_unique<State>();
  state->sink = &sink;
  state->archive.reset(archive_write_new());
  TarWriter writer(std::move(state));
  auto* archive = writer.state_->archive.get();
  bool ready =
      archive && archive_write_set_format_gnutar(archive) == ARCHIVE_OK &&
      archive_write_add_filter_gzip(archive) == ARCHIVE_OK &&
      archive_write_set_filter_option(archive, "gzip", "timestamp", nullptr) == ARCHIVE_OK &&
      archive_write_set_filter_option(archive, "gzip", "compression-level", "6") == ARCHIVE_OK &&
      archive_write_set_bytes_per_block(archive, 1 << 16) == ARCHIVE_OK &&
      archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK &&
      archive_write_open2(archive, writer.state_.get(), nullptr, &State::write, nullptr, nullptr) ==
          ARCHIVE_OK;
  if (!ready) return writer.failed("start the archive");
  return writer;
}

Result<void> TarWriter::entry(const std::string& path, const FileInfo& info,
                              const std::string& target) {
  ArchiveEntryHandle entry(archive_entry_new());
  if (!entry) throw std::bad_alloc();
  archive_entry_set_pathname(entry.get(), path.c_str());
  archive_entry_set_mode(entry.get(), info.mode);
  archive_entry_set_uid(entry.get(), info.uid);
  archive_entry_set_gid(entry.get(), info.gid);
  archive_entry_set_mtime(entry.get(), info.mtime_s, 0);
  if (S_ISLNK(info.mode)) archive_entry_set_symlink(entry.get(), target.c_str());
  archive_entry_set_size(entry.get(), S_ISREG(info.mode) ? static_cast<int64_t>(info.size) : 0);
  // A warning of libarchive would mean that something was left out of the header.
  if (archive_write_header(state_->archive.get(), entry.get()) != ARCHIVE_OK || state_->sink_error)
    return failed(std::format("archive /{}", escaped(path)));
  return {};
}

Result<void> TarWriter::data(Bytes bytes) {
  while (!bytes.empty()) {
    auto n = archive_write_data(state_->archive.get(), bytes.data(), bytes.size());
    if (n <= 0 || state_->sink_error) return failed("write the archive");
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Result<void> TarWriter::close() {
  if (archive_write_close(state_->archive.get()) != ARCHIVE_OK || state_->sink_error)
    return failed("end the archive");
  return {};
}

}  // namespace snap::node
