#include "jobs/verify_set.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <format>
#include <utility>

#include "base/file.h"
#include "base/handle.h"
#include "base/text.h"
#include "jobs/lock.h"
#include "node/archive_check.h"
#include "sets/manifest.h"
#include "sets/name.h"
#include "stream/file.h"
#include "stream/sha256.h"

namespace snap::jobs {
namespace {

using snapshot::Level;

// One set, held open.
class SetCheck {
 public:
  SetCheck(std::string path, Fd directory, const snapshot::VerifyOptions& options)
      : directory_(std::move(directory)), options_(options) {
    result_.path = std::move(path);
    result_.is_set = true;
  }

  Result<Verified> run(const std::string& set_name) {
    auto manifest = TRY(read_manifest(set_name));
    if (!manifest) return std::move(result_);
    for (const auto& file : manifest->files) TRY(check_file(*manifest, file));
    for (const auto& [name, result] : manifest->proof.all()) {
      if (result->outcome == sets::Outcome::failed)
        result_.unproven.push_back(std::format("{}: {}", name, escaped(result->reason)));
    }
    TRY(look_for_extras(*manifest));
    return std::move(result_);
  }

 private:
  void find(const std::string& file, std::string what, Level level = Level::digest) {
    result_.findings.push_back(
        {.level = level, .file = file, .page = {}, .byte = {}, .what = std::move(what)});
  }

  // Opens a plain file of the set; nothing, and a finding, when it is missing or something else.
  Result<std::optional<Fd>> open_plain(const std::string& name) {
    struct stat info{};
    if (::fstatat(directory_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) return fail_errno(errno, std::format("look at {}", escaped(name)));
      find(name, "the file is missing");
      return std::nullopt;
    }
    if (!S_ISREG(info.st_mode)) {
      find(name, "not a regular file: it is not opened");
      return std::nullopt;
    }
    if ((info.st_mode & 0777) != 0600) {
      result_.warnings.push_back(
          std::format("{} has mode {:04o}, not 0600", escaped(name), info.st_mode & 07777));
    }
    auto fd = TRY(open_file_at(directory_.get(), name, O_RDONLY | O_NONBLOCK));
    if (options_.past_page_cache) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    return fd;
  }

  Result<std::optional<sets::Manifest>> read_manifest(const std::string& set_name) {
    const std::string kName(sets::kManifestName);
    auto fd = TRY(open_plain(kName));
    if (!fd) return std::nullopt;
    std::string text(sets::kMaxManifestBytes + 1, '\0');
    text.resize(TRY(pread_full(fd->get(), std::as_writable_bytes(std::span(text)), 0, kName)));
    auto manifest = sets::parse_manifest(text);
    if (!manifest && manifest.error().code == Code::invalid)
      return std::unexpected(manifest.error());  // a newer version's
    if (manifest) {
      auto belongs = sets::check_manifest(*manifest, set_name);
      if (belongs) return std::move(*manifest);
      find(kName, belongs.error().message);
      return std::nullopt;
    }
    find(kName, manifest.error().message);
    return std::nullopt;
  }

  Result<void> check_file(const sets::Manifest& manifest, const sets::FileFacts& file) {
    auto fd = TRY(open_plain(file.name));
    if (!fd) return {};
    auto size_bytes = TRY(file_size(fd->get(), file.name));
    if (size_bytes != file.size_bytes) {
      find(file.name,
           std::format("is {} bytes, the manifest says {}", size_bytes, file.size_bytes));
    }
    if (file.name == manifest.snapshot.file) return check_snapshot(manifest, *fd);
    return check_archive(file, std::move(*fd));
  }

  Result<void> check_snapshot(const sets::Manifest& manifest, const Fd& fd) {
    const auto& facts = manifest.snapshot;
    auto report = TRY(snapshot::verify(fd, facts.file, options_));
    result_.findings.insert(result_.findings.end(), report.findings.begin(), report.findings.end());
    result_.more_findings += report.more_findings;
    result_.size_bytes = report.size_bytes;
    result_.sha256 = report.sha256;
    result_.status = report.status;
    if (!report.sha256.empty() && report.sha256 != facts.sha256) {
      find(facts.file,
           std::format("SHA-256 is {}, the manifest says {}", report.sha256, facts.sha256));
    }
    if (report.status &&
        (report.status->hash != facts.hash || report.status->revision != manifest.etcd.revision)) {
      find(facts.file,
           std::format(
               "holds revision {} with hash {:x}, the manifest says revision {} with hash {:x}",
               report.status->revision, report.status->hash, manifest.etcd.revision, facts.hash),
           Level::structure);
    }
    return {};
  }

  Result<void> check_archive(const sets::FileFacts& file, Fd fd) {
    stream::Sha256 hash;
    std::array<std::byte, 65536> buffer;
    for (uint64_t at = 0;;) {
      if (options_.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
      auto n = TRY(pread_full(fd.get(), buffer, at, file.name));
      if (n == 0) break;
      hash.update(std::span(buffer).first(n));
      at += n;
    }
    auto digest = to_hex(hash.digest());
    if (digest != file.sha256)
      find(file.name, std::format("SHA-256 is {}, the manifest says {}", digest, file.sha256));
    if (options_.level == Level::digest || !file.name.ends_with(".tar.gz")) return {};
    auto source = stream::file_source(std::move(fd), file.name);
    auto report = TRY(node::check_archive(*source, {}, options_.stop));
    for (const auto& finding : report.findings) {
      find(
          file.name,
          finding.entry.empty() ? finding.text : std::format("{}: {}", finding.entry, finding.text),
          Level::structure);
    }
    return {};
  }

  Result<void> look_for_extras(const sets::Manifest& manifest) {
    auto fd = TRY(open_file_at(directory_.get(), ".", O_RDONLY | O_DIRECTORY));
    Handle<DIR, &::closedir> entries(::fdopendir(fd.get()));
    if (!entries) return fail_errno(errno, "list the set");
    fd.release();
    while (true) {
      errno = 0;
      const auto* entry = ::readdir(entries.get());
      if (!entry && errno != 0) return fail_errno(errno, "list the set");
      if (!entry) return {};
      std::string name = entry->d_name;
      bool known = name == "." || name == ".." || name == sets::kManifestName ||
                   std::ranges::contains(manifest.files, name, &sets::FileFacts::name);
      if (!known)
        result_.warnings.push_back(std::format("{} is no file of the set", escaped(name)));
    }
  }

  Fd directory_;
  const snapshot::VerifyOptions& options_;
  Verified result_;
};

Result<Verified> verify_directory(const std::string& path, const snapshot::VerifyOptions& options) {
  Handle<char, &std::free> real(::realpath(path.c_str(), nullptr));
  if (!real) return fail_errno(errno, std::format("open {}", escaped(path)));
  std::string name = real.get();
  name.erase(0, name.rfind('/') + 1);
  auto directory = TRY(hold_set(real.get()));
  struct stat info{};
  if (::fstatat(directory.get(), std::string(sets::kManifestName).c_str(), &info,
                AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) return fail_errno(errno, std::format("look into {}", escaped(path)));
    return fail(
        Code::invalid,
        std::format("{} is no backup set: it has no {}", escaped(path), sets::kManifestName),
        "name a set of `etcd-snapshot list`, its directory, or a snapshot file");
  }
  return SetCheck(path, std::move(directory), options).run(name);
}

}  // namespace

Result<Verified> verify_path(const std::string& path, const snapshot::VerifyOptions& options) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    auto error = errno_error(errno, std::format("open {}", escaped(path)));
    if (error.code == Code::not_found)
      error.hint = "name a snapshot file, or a set of: etcd-snapshot list";
    return std::unexpected(error);
  }
  if (S_ISDIR(info.st_mode)) return verify_directory(path, options);
  auto report = TRY(snapshot::verify(path, options));
  Verified verified{.path = path,
                    .is_set = false,
                    .findings = std::move(report.findings),
                    .more_findings = report.more_findings,
                    .warnings = {},
                    .status = report.status,
                    .size_bytes = report.size_bytes,
                    .sha256 = report.sha256};
  return verified;
}

}  // namespace snap::jobs
