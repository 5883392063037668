// The archive of host files. An input that begins with 'g' is the gzip stream itself; of any other
// the tar inside is what follows the first byte, so that changes reach the reader of entries.
#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include <set>

#include "base/handle.h"
#include "fuzz/target.h"
#include "node/archive_check.h"
#include "stream/memory.h"

namespace snap::fuzz {
namespace {

std::string gzip(std::string_view content) {
  z_stream z{};
  require(deflateInit2(&z, 0, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&z, content.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  z.avail_in = static_cast<uInt>(content.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  require(deflate(&z, Z_FINISH) == Z_STREAM_END);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

std::string tar(int format) {
  Handle<::archive, &archive_write_free> out(archive_write_new());
  archive_write_set_format(out.get(), format);
  archive_write_set_bytes_in_last_block(out.get(), 1);
  std::string all;
  archive_write_open2(
      out.get(), &all, nullptr,
      [](::archive*, void* into, const void* data, size_t size) {
        static_cast<std::string*>(into)->append(static_cast<const char*>(data), size);
        return static_cast<la_ssize_t>(size);
      },
      nullptr, nullptr);
  auto add = [&](const std::string& name, mode_t type, std::string_view content,
                 const std::string& target) {
    Handle<archive_entry, &archive_entry_free> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), type);
    archive_entry_set_perm(entry.get(), 0600);
    if (!target.empty()) archive_entry_set_symlink(entry.get(), target.c_str());
    archive_entry_set_size(entry.get(), static_cast<int64_t>(content.size()));
    archive_write_header(out.get(), entry.get());
    archive_write_data(out.get(), content.data(), content.size());
  };
  add("etc/", AE_IFDIR, "", "");
  add("etc/" + std::string(120, 'n'), AE_IFREG, "content", "");
  add("etc/link", AE_IFLNK, "", "../out");
  archive_write_close(out.get());
  return all;
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (int format :
       {ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FORMAT_TAR_USTAR}) {
    all.push_back("t" + tar(format));
    all.push_back("g" + gzip(tar(format)));
  }
  return all;
}

void run(std::string_view input) {
  if (input.empty()) return;
  auto content = std::string(input.substr(1));
  stream::StringSource source(input[0] == 'g' ? content : gzip(content));
  node::ArchiveLimits limits{.entries = 1000, .total_bytes = 1 << 24, .ratio_from_bytes = 1 << 20};
  auto report = node::check_archive(source, limits);
  require(report.has_value());
  for (const auto& finding : report->findings) {
    for (unsigned char c : finding.entry + finding.text) require(c >= 0x20 && c != 0x7F);
  }
  if (!report->sound()) return;
  std::set<std::string> seen;
  for (const auto& entry : report->entries) {
    require(!entry.name.empty() && entry.name[0] != '/');
    require(seen.insert(entry.name).second);
    require(("/" + entry.name + "/").find("/../") == std::string::npos);
  }
}

}  // namespace

Target archive() { return {"archive", seeds, run}; }

}  // namespace snap::fuzz
