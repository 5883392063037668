#include "node/archive_check.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <format>
#include <map>
#include <optional>

#include "base/exception.h"
#include "base/handle.h"
#include "base/text.h"
#include "node/gunzip.h"

namespace snap::node {
namespace {

using Archive = Handle<archive, &archive_read_free>;

constexpr size_t kBlockBytes = 64 << 10;
constexpr size_t kMaxNameBytes = 4096;            // PATH_MAX
constexpr uint64_t kMaxNamesBytes = 64ULL << 20;  // of all names together: they are kept
constexpr uint64_t kEndMarkBytes = 1024;          // two blocks of zeros
constexpr size_t kMaxFindings = 100;

// "./a/b/" as "a/b": the same file for whoever unpacks it.
std::string plain_name(std::string_view name) {
  std::string plain;
  for (const auto& part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (!plain.empty()) plain += '/';
    plain += part;
  }
  return plain;
}

bool climbs(std::string_view name) {
  for (const auto& part : split(name, '/')) {
    if (part == "..") return true;
  }
  return false;
}

bool all_zero(Bytes bytes) {
  for (auto byte : bytes) {
    if (byte != std::byte{0}) return false;
  }
  return true;
}

class Checker {
 public:
  Checker(stream::Source& source, const ArchiveLimits& limits, std::stop_token stop)
      : limits_(limits), stop_(std::move(stop)), gunzip_(source, limits), block_(kBlockBytes) {}

  Result<ArchiveReport> run();

 private:
  static la_ssize_t feed(archive* archive, void* checker, const void** data);
  void finding(std::string_view entry, std::string text);
  bool open();
  bool stopped() const { return stop_.stop_requested() || source_error_ || broken_; }
  void damaged();
  void check_entry(archive_entry* entry);
  void check_type(archive_entry* entry, ArchiveEntry& seen);
  void read_content(archive_entry* entry, ArchiveEntry& seen);
  void remember(const ArchiveEntry& seen);
  Result<void> check_end();
  void check_places();

  const ArchiveLimits& limits_;
  std::stop_token stop_;
  Gunzip gunzip_;
  std::vector<std::byte> block_;  // what libarchive was given last
  size_t block_size_ = 0;
  std::optional<Error> source_error_;
  bool broken_ = false;  // nothing behind this place can be read
  Archive archive_;
  std::map<std::string, EntryType> names_;  // by plain name
  uint64_t names_bytes_ = 0;
  uint64_t claimed_bytes_ = 0;  // sizes in headers: a sparse file may claim what it does not hold
  ArchiveReport report_;
};

// Called by libarchive; nothing may be thrown through it.
la_ssize_t Checker::feed(archive* archive, void* checker, const void** data) {
  auto& self = *static_cast<Checker*>(checker);
  try {
    if (!self.stop_.stop_requested() && !self.source_error_) {
      auto size = self.gunzip_.read(self.block_);
      if (!size) self.source_error_ = size.error();
      // What came before the damage is still looked at.
      if (size && (*size > 0 || self.gunzip_.damage().empty())) {
        self.block_size_ = *size;
        *data = self.block_.data();
        return static_cast<la_ssize_t>(*size);
      }
    }
  } catch (const std::exception& error) {
    self.source_error_ = error_of(error);
  }
  archive_set_error(archive, EIO, "the archive cannot be read");
  return ARCHIVE_FATAL;
}

void Checker::finding(std::string_view entry, std::string text) {
  if (report_.findings.size() < kMaxFindings)
    report_.findings.push_back({escaped(entry), std::move(text)});
}

void Checker::damaged() {
  broken_ = true;
  if (stop_.stop_requested() || source_error_) return;
  if (!gunzip_.damage().empty()) return finding("", gunzip_.damage());
  const char* text = archive_error_string(archive_.get());
  finding("", std::format("the tar is damaged near byte {} of its content: {}",
                          archive_filter_bytes(archive_.get(), 0), escaped(text ? text : "")));
}

bool Checker::open() {
  archive_.reset(archive_read_new());
  return archive_ && archive_read_support_format_tar(archive_.get()) == ARCHIVE_OK &&
         archive_read_open(archive_.get(), this, nullptr, &Checker::feed, nullptr) == ARCHIVE_OK;
}

Result<ArchiveReport> Checker::run() {
  if (!open()) damaged();
  while (!stopped()) {
    archive_entry* entry = nullptr;
    int result = archive_read_next_header(archive_.get(), &entry);
    if (result == ARCHIVE_EOF) {
      TRY(check_end());
      break;
    }
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
      damaged();
      break;
    }
    check_entry(entry);
  }
  if (source_error_) return std::unexpected(*source_error_);
  if (stop_.stop_requested()) return fail(Code::cancelled, "check the archive: stopped");
  check_places();
  return std::move(report_);
}

void Checker::check_entry(archive_entry* entry) {
  if (report_.entries.size() >= limits_.entries) {
    broken_ = true;
    return finding("", std::format("it holds more than {} entries", limits_.entries));
  }
  // In the C locale libarchive gives names that are not ASCII, in formats that say so, as UTF-8
  // only.
  const char* name = archive_entry_pathname(entry);
  if (!name) name = archive_entry_pathname_utf8(entry);
  ArchiveEntry seen;
  seen.name = name ? name : "";
  if (seen.name.size() > kMaxNameBytes) {
    finding(std::string_view(seen.name).substr(0, 100), "the name is longer than a path can be");
    seen.name.resize(kMaxNameBytes);
  }
  if (plain_name(seen.name).empty() && seen.name != "./" && seen.name != ".")
    finding(seen.name, "the entry has no name");
  if (seen.name.starts_with('/')) finding(seen.name, "the name is absolute");
  if (climbs(seen.name)) finding(seen.name, "the name leads out of the archive with \"..\"");
  check_type(entry, seen);
  read_content(entry, seen);
  remember(seen);
  report_.entries.push_back(std::move(seen));
}

void Checker::check_type(archive_entry* entry, ArchiveEntry& seen) {
  const char* target = archive_entry_hardlink(entry);
  if (!target) target = archive_entry_hardlink_utf8(entry);
  if (target) {
    seen.type = EntryType::hardlink;
    auto linked = names_.find(plain_name(target));
    if (climbs(target) || target[0] == '/' || linked == names_.end() ||
        linked->second != EntryType::file) {
      finding(seen.name,
              std::format("is a hard link to {}, which is no file of the archive before it",
                          escaped(target)));
    }
    return;
  }
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG: seen.type = EntryType::file; return;
    case AE_IFDIR: seen.type = EntryType::directory; return;
    case AE_IFLNK: seen.type = EntryType::symlink; return;
    default: seen.type = EntryType::other;
  }
  finding(seen.name, "is neither file, directory nor link");
}

void Checker::read_content(archive_entry* entry, ArchiveEntry& seen) {
  if (archive_entry_size_is_set(entry) && seen.type == EntryType::file) {
    claimed_bytes_ += static_cast<uint64_t>(std::max<int64_t>(archive_entry_size(entry), 0));
    if (claimed_bytes_ > limits_.total_bytes) {
      broken_ = true;
      return finding(seen.name, std::format("with it the files have more than {}",
                                            human_size(limits_.total_bytes)));
    }
  }
  while (!stopped()) {
    const void* data = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    int result = archive_read_data_block(archive_.get(), &data, &size, &offset);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) return damaged();
    seen.size_bytes += size;
  }
  report_.bytes += seen.size_bytes;
}

void Checker::remember(const ArchiveEntry& seen) {
  auto name = plain_name(seen.name);
  names_bytes_ += seen.name.size();
  if (names_bytes_ > kMaxNamesBytes && !broken_) {
    broken_ = true;
    finding("", std::format("its names are longer than {}", human_size(kMaxNamesBytes)));
  }
  auto [place, is_new] = names_.try_emplace(std::move(name), seen.type);
  bool both_directories =
      place->second == EntryType::directory && seen.type == EntryType::directory;
  if (!is_new && !both_directories) finding(seen.name, "the archive holds this name twice");
}

// The end mark, and nothing but zeros behind it: tar pads its last block with them.
Result<void> Checker::check_end() {
  auto read = static_cast<uint64_t>(archive_filter_bytes(archive_.get(), 0));
  auto mark = read - static_cast<uint64_t>(archive_read_header_position(archive_.get()));
  if (mark < kEndMarkBytes) {
    finding("", "it has no end mark: it was cut, or written only in part");
  }
  auto unread = gunzip_.unpacked_bytes() - read;
  auto rest = Bytes(block_).first(block_size_).last(std::min<uint64_t>(unread, block_size_));
  bool junk = !all_zero(rest);
  while (true) {
    if (stop_.stop_requested()) return {};
    auto size = TRY(gunzip_.read(block_));
    if (size == 0) break;
    junk = junk || !all_zero(Bytes(block_).first(size));
  }
  if (junk) finding("", std::format("bytes follow the end of the tar at byte {}", read));
  if (!gunzip_.damage().empty()) finding("", gunzip_.damage());
  return {};
}

// Unpacking follows links that were unpacked before: nothing may lie below one, in any order.
void Checker::check_places() {
  for (const auto& [name, type] : names_) {
    for (size_t end = name.find('/'); end != name.npos; end = name.find('/', end + 1)) {
      auto above = names_.find(name.substr(0, end));
      if (above == names_.end() || above->second == EntryType::directory) continue;
      finding(name,
              std::format("lies below {}, which is a {} in this archive", escaped(above->first),
                          above->second == EntryType::symlink ? "link" : "file"));
      break;
    }
  }
}

}  // namespace

Result<ArchiveReport> check_archive(stream::Source& source, const ArchiveLimits& limits,
                                    std::stop_token stop) {
  return Checker(source, limits, std::move(stop)).run();
}

}  // namespace snap::node
