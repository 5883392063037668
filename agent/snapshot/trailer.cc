#include "snapshot/trailer.h"

#include <algorithm>

namespace snap::snapshot {

void TrailerDigest::update(Bytes data) {
  size_bytes_ += data.size();
  if (data.size() >= kTrailerBytes) {  // the usual case: what was held back is not the end
    hash_.update(Bytes(held_).first(held_bytes_));
    hash_.update(data.first(data.size() - kTrailerBytes));
    std::ranges::copy(data.last(kTrailerBytes), held_.begin());
    held_bytes_ = kTrailerBytes;
    return;
  }
  auto surplus = held_bytes_ + data.size();
  surplus -= std::min<size_t>(surplus, kTrailerBytes);
  hash_.update(Bytes(held_).first(surplus));
  std::copy(held_.begin() + surplus, held_.begin() + held_bytes_, held_.begin());
  held_bytes_ -= surplus;
  std::ranges::copy(data, held_.begin() + held_bytes_);
  held_bytes_ += data.size();
}

TrailerDigest::Result TrailerDigest::finish() const {
  Result result{.body = hash_.digest(), .size_bytes = size_bytes_};
  if (held_bytes_ == kTrailerBytes) result.trailer = held_;
  stream::Sha256 whole(hash_);
  whole.update(Bytes(held_).first(held_bytes_));
  result.whole = whole.digest();
  return result;
}

}  // namespace snap::snapshot
