#include "kube/events.h"

#include <format>
#include <nlohmann/json.hpp>

#include "base/encode.h"
#include "kube/fields.h"

namespace snap::kube {
namespace {

using nlohmann::json;

constexpr size_t kMaxNote = 1000;     // bytes; the API refuses more than 1024
constexpr size_t kMaxInstance = 128;  // bytes

// Ends between two characters of UTF-8.
std::string cut(std::string text, size_t most) {
  if (text.size() <= most) return text;
  auto end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

Result<void> create_event(Client& client, const Event& event,
                          std::chrono::system_clock::time_point at) {
  auto micros = std::chrono::floor<std::chrono::microseconds>(at);
  auto name = std::format("{}.{:x}", event.name, micros.time_since_epoch().count());
  json regarding = {{"apiVersion", event.api_version},
                    {"kind", event.kind},
                    {"namespace", event.name_space},
                    {"name", event.name}};
  if (!event.uid.empty()) regarding["uid"] = event.uid;
  json object = {{"apiVersion", "events.k8s.io/v1"},
                 {"kind", "Event"},
                 {"metadata", {{"name", name}, {"namespace", event.name_space}}},
                 {"eventTime", std::format("{:%FT%T}Z", micros)},
                 {"reportingController", "etcd-snapshot"},
                 {"reportingInstance", cut(event.instance, kMaxInstance)},
                 {"type", event.warning ? "Warning" : "Normal"},
                 {"reason", event.reason},
                 {"action", event.action},
                 {"note", cut(event.note, kMaxNote)},
                 {"regarding", std::move(regarding)}};
  auto answer =
      client.ask({.verb = "create",
                  .resource = "events.events.k8s.io",
                  .name_space = event.name_space,
                  .target = std::format("/apis/events.k8s.io/v1/namespaces/{}/events",
                                        percent_encoded(event.name_space)),
                  // Texts of tools and servers may be no UTF-8; the strict form would throw.
                  .body = object.dump(-1, ' ', false, json::error_handler_t::replace)});
  if (answer || answer.error().error.code == Code::exists) return {};
  return std::unexpected(std::move(answer).error().error);
}

Result<void> may_create_events(Client& client, const std::string& name_space) {
  json review = {{"apiVersion", "authorization.k8s.io/v1"},
                 {"kind", "SelfSubjectAccessReview"},
                 {"spec",
                  {{"resourceAttributes",
                    {{"namespace", name_space},
                     {"verb", "create"},
                     {"group", "events.k8s.io"},
                     {"resource", "events"}}}}}};
  auto answer = client.ask({.verb = "create",
                            .resource = "selfsubjectaccessreviews.authorization.k8s.io",
                            .name_space = {},
                            .target = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                            .body = review.dump()});
  if (!answer) return std::unexpected(std::move(answer).error().error);
  if (flag_in(map_in(*answer, "status"), "allowed")) return {};
  return fail(Code::denied, std::format("not allowed to create events in namespace {}", name_space),
              "grant it with a Role that allows create on events.events.k8s.io");
}

}  // namespace snap::kube
