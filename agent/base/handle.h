// Ownership of what C libraries hand out.
#pragma once

#include <memory>

namespace snap {

template <auto Free>
struct FreeWith {
  void operator()(auto* p) const noexcept { Free(p); }
};

// Handle<CURL, &curl_easy_cleanup>: freed when it goes out of scope. A function whose result counts
// (close, finish) is called by name before that.
template <class T, auto Free>
using Handle = std::unique_ptr<T, FreeWith<Free>>;

}  // namespace snap
