#include "report/termination.h"

#include <fcntl.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "report/table.h"

namespace snap::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxText = 200;  // bytes of one text, of which each may take six in JSON

void cut(Json& text) {
  if (!text.is_string()) return;
  auto& whole = text.get_ref<std::string&>();
  if (whole.size() > kMaxText) whole = whole.substr(0, kMaxText) + "...";
}

void drop_from_places(Json& outcome, std::initializer_list<const char*> fields) {
  for (auto& place : outcome["places"])
    for (const auto* field : fields) place.erase(field);
}

void keep_failed(Json& list, const char* field, const char* good) {
  auto all = std::exchange(list, Json::array());
  for (auto& item : all)
    if (item[field] != good) list.push_back(std::move(item));
}

// From the least important on.
struct Cut {
  std::string_view name;  // in left_out
  void (*make)(Json& outcome);
};
constexpr auto kCuts = std::to_array<Cut>({
    {"resources.paths",
     [](Json& outcome) {
       if (!outcome["resources"].is_object()) return;
       outcome["resources"].erase("paths");
       outcome["resources"].erase("notes");
     }},
    {"places[].pruned",
     [](Json& outcome) {
       drop_from_places(outcome, {"pruned", "leftovers_removed", "caught_up"});
     }},
    {"stages", [](Json& outcome) { outcome.erase("stages"); }},
    {"resources", [](Json& outcome) { outcome.erase("resources"); }},
    {"proof that passed", [](Json& outcome) { keep_failed(outcome["proof"], "result", "passed"); }},
    {"places[].sets",
     [](Json& outcome) {
       drop_from_places(outcome, {"type", "label", "proven_by", "sets", "free_bytes"});
     }},
    {"warnings", [](Json& outcome) { outcome.erase("warnings"); }},
    {"places that are ok", [](Json& outcome) { keep_failed(outcome["places"], "verdict", "ok"); }},
    {"snapshot", [](Json& outcome) { outcome.erase("snapshot"); }},
    {"proof", [](Json& outcome) { outcome.erase("proof"); }},
    {"the ends of texts",
     [](Json& outcome) {
       cut(outcome["trigger"]);
       if (!outcome["error"].is_object()) return;
       cut(outcome["error"]["message"]);
       cut(outcome["error"]["hint"]);
     }},
    {"places", [](Json& outcome) { outcome.erase("places"); }},
});

}  // namespace

std::string termination_message(const Outcome& outcome) {
  auto json = to_json(outcome);
  auto line = json_line(json);
  for (const auto& cut : kCuts) {
    if (line.size() <= kMaxTerminationBytes) break;
    cut.make(json);
    json["left_out"].push_back(cut.name);
    line = json_line(json);
  }
  return line;
}

Result<void> write_termination_message(const std::string& path, const Outcome& outcome) {
  auto message = termination_message(outcome);
  auto fd = TRY(open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY, 0644)
                    .context("termination message"));
  TRY(write_full(fd.get(), as_bytes(message), path).context("termination message"));
  return std::move(fd).close(path).context("termination message");
}

}  // namespace snap::report
