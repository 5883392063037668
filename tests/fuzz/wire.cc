// Protobuf fields and gRPC frames. The first byte says how large the pieces are that arrive.
#include "wire/grpc.h"
#include "wire/protobuf.h"

#include <algorithm>
#include <optional>

#include "fuzz/target.h"

namespace snap::fuzz {
namespace {

std::vector<std::string> seeds() {
  auto message = wire::Writer().number(1, 300).bytes(2, "text").message(
      3, wire::Writer().number(1, ~uint64_t{0}).text());
  return {std::string("\x01") + wire::frame(message.text()), "\x03" + message.text(),
          std::string("\x02\x09xxxxxxxx\x15yyyy", 15), "\x01 percent %41%zz%"};
}

std::optional<std::string> unary(std::string_view body, size_t piece_bytes) {
  wire::UnaryMessage message(4096);
  for (size_t at = 0; at < body.size(); at += piece_bytes) {
    if (!message.feed(as_bytes(body.substr(at, piece_bytes)))) return {};
  }
  auto text = std::move(message).finish();
  return text ? std::optional(*std::move(text)) : std::nullopt;
}

void run(std::string_view input) {
  if (input.empty()) return;
  auto piece_bytes = std::max<size_t>(1, static_cast<unsigned char>(input[0]));
  auto body = input.substr(1);
  auto whole = unary(body, body.size() + 1);
  require(whole == unary(body, piece_bytes));  // where pieces end means nothing
  if (whole) require(wire::frame(*whole) == body);

  wire::Reader reader(as_bytes(body));
  for (size_t fields = 0;; ++fields) {
    auto field = reader.next();
    if (!field || !*field) break;
    require(fields <= body.size());
    require((*field)->bytes.size() <= body.size());
    require((*field)->number > 0);
  }
  require(wire::percent_decoded(body).size() <= body.size());
}

}  // namespace

Target wire() { return {"wire", seeds, run}; }

}  // namespace snap::fuzz
