#include "snapshot/report.h"

#include <format>

#include "base/text.h"

namespace snap::snapshot {

std::string_view name_of(Level level) {
  switch (level) {
    case Level::digest: return "digest";
    case Level::structure: return "structure";
    case Level::mvcc: break;
  }
  return "mvcc";
}

std::optional<Level> level_named(std::string_view name) {
  for (auto level : {Level::digest, Level::structure, Level::mvcc})
    if (name == name_of(level)) return level;
  return std::nullopt;
}

std::string describe(const Finding& finding) {
  auto text = escaped(finding.file) + ": ";
  if (finding.page && finding.byte)
    text += std::format("page {} (byte {}): ", *finding.page, *finding.byte);
  else if (finding.byte)
    text += std::format("byte {}: ", *finding.byte);
  return text + finding.what;
}

}  // namespace snap::snapshot
