// Points in time as this project writes them: UTC, whole seconds, never the local zone.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace snap {

using Seconds = std::chrono::sys_seconds;

// The wall clock, for names and records. Time limits use std::chrono::steady_clock, which never
// jumps.
Seconds now_utc();

std::string to_rfc3339(Seconds at);    // "2026-11-21T01:30:00Z"
std::string to_set_stamp(Seconds at);  // "2026-11-21T013000Z": in names of sets, sorts by time
std::string to_file_stamp(
    Seconds at);  // "2026-11-21_013000": in names of files, as OpenShift's backup writes it

// Exactly the forms above, with a date that exists and a year of four digits; anything else is
// nothing.
std::optional<Seconds> from_rfc3339(std::string_view text);
std::optional<Seconds> from_set_stamp(std::string_view text);

}  // namespace snap
