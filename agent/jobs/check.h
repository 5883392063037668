// The doctor: tries everything a run needs, and changes nothing that stays.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "jobs/failure.h"
#include "jobs/settings.h"

namespace snap::jobs {

enum class Verdict { ok, warning, failed };

struct CheckRow {
  Verdict verdict = Verdict::ok;
  std::string subject;  // "etcd", "certificates", "local", "host files", ...
  std::string text;     // safe to print
  std::string hint;
  Exit exit = Exit::done;  // of a failed one: what `run` would end with
  std::string use{};       // of a host file: what a restore has it for
};

// Never stops at the first problem: an administrator wants to see them all.
std::vector<CheckRow> check_everything(const Settings& settings, Seconds now);

}  // namespace snap::jobs
