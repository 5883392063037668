// The body of a Snapshot answer. The first byte says how large the pieces are that arrive.
#include "etcd/snapshot_decoder.h"

#include <algorithm>
#include <optional>

#include "fuzz/target.h"

namespace snap::fuzz {
namespace {

std::string message(uint64_t remaining, const std::string& blob) {
  return wire::frame(wire::Writer().number(2, remaining).bytes(3, blob).bytes(4, "3.6.0").text());
}

std::vector<std::string> seeds() {
  std::string trailer(32, 't');
  return {"\x01" + message(4, "abcd") + message(0, "efgh") + message(0, trailer),
          "\x07" + message(0, "abcd") + message(0, trailer), "\x20" + message(8, "abcd"),
          "\x02" + message(8, "")};
}

struct Text : etcd::SnapshotDecoder::Out {
  void take(Bytes bytes) override { text += as_text(bytes); }
  std::string text;
};

// What came out, and whether the stream was accepted to its end.
struct Decoded {
  std::string text;
  bool whole = false;
};

Decoded decode(std::string_view body, size_t piece_bytes) {
  etcd::SnapshotDecoder decoder;
  Text out;
  bool fine = true;
  for (size_t at = 0; at < body.size() && fine; at += piece_bytes) {
    fine = decoder.feed(as_bytes(body.substr(at, piece_bytes)), out).has_value();
    require(decoder.delivered_bytes() == out.text.size());
  }
  bool whole = fine && decoder.finish().has_value();
  if (whole) require(decoder.total_bytes() == out.text.size());
  return {out.text, whole};
}

void run(std::string_view input) {
  if (input.empty()) return;
  auto piece_bytes = std::max<size_t>(1, static_cast<unsigned char>(input[0]));
  auto body = input.substr(1);
  auto at_once = decode(body, body.size() + 1);
  auto in_pieces = decode(body, piece_bytes);
  require(at_once.whole == in_pieces.whole);
  require(at_once.text == in_pieces.text);
}

}  // namespace

Target snapshot_stream() { return {"snapshot_stream", seeds, run}; }

}  // namespace snap::fuzz
