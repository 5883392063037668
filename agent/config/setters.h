// Setters for tables of keys: how the text of a value gets into its field. Private to this room.
#pragma once

#include <algorithm>
#include <array>
#include <format>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/text.h"

namespace snap::config {

// The class that a pointer to a member belongs to, and the type of the member.
template <class>
struct MemberOf;
template <class Whole, class Member>
struct MemberOf<Member Whole::*> {
  using Owner = Whole;
  using Type = Member;
};
template <auto Member>
using OwnerOf = typename MemberOf<decltype(Member)>::Owner;
template <auto Member>
using TypeOf = typename MemberOf<decltype(Member)>::Type;

// Part and Field lead to the place: (whole.*Part).*Field. Parse: a function of values.h, or one
// like it.
template <auto Parse, auto Part, auto Field>
Result<void> set_parsed(OwnerOf<Part>& whole, const std::string& text) {
  (whole.*Part).*Field = TRY(Parse(text));
  return {};
}

// The same where an empty text means: none.
template <auto Parse, auto Part, auto Field>
Result<void> set_or_none(OwnerOf<Part>& whole, const std::string& text) {
  if (!text.empty()) return set_parsed<Parse, Part, Field>(whole, text);
  ((whole.*Part).*Field).clear();
  return {};
}

template <auto Parse, auto Part, auto Field>
Result<void> append(OwnerOf<Part>& whole, const std::string& text) {
  ((whole.*Part).*Field).push_back(TRY(Parse(text)));
  return {};
}

// The index of `text` among `allowed`.
template <size_t N>
Result<size_t> choice(const std::array<std::string_view, N>& allowed, std::string_view text) {
  auto found = std::ranges::find(allowed, text);
  if (found != allowed.end()) return static_cast<size_t>(found - allowed.begin());
  std::vector<std::string> names(allowed.begin(), allowed.end());
  auto near = text.size() > 1 ? nearest(text, allowed) : std::nullopt;  // "2" is near to any digit
  return fail(Code::invalid, "is not one of " + join(names, ", "),
              near ? std::format("did you mean {}?", *near) : "");
}

// A word that stands for the value at the same place: an enumerator, a number, false and true.
template <const auto& Words, auto Part, auto Field>
Result<void> set_choice(OwnerOf<Part>& whole, const std::string& text) {
  (whole.*Part).*Field = static_cast<TypeOf<Field>>(TRY(choice(Words, text)));
  return {};
}

}  // namespace snap::config
