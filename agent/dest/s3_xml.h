// The little XML that S3 servers answer with. Private to this room.
//
// Elements, text, the five named entities and numeric ones. No document type, so nothing expands;
// no comment, no CDATA: no server sends them, and what is not expected is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace snap::dest {

struct Element {
  std::string name;  // without its namespace prefix
  std::string text;  // of itself, not of its children
  std::vector<Element> children;

  // The first of this name; nullptr when there is none.
  const Element* child(std::string_view wanted) const;
  // The text of the first child of this name; empty when there is none.
  std::string_view text_of(std::string_view wanted) const;
};

// Error: corrupt  it is not whole, or not such XML; deeper than 16 or more than 100,000 elements.
Result<Element> parse_xml(std::string_view text);

// Text for the inside of an element.
std::string xml_escaped(std::string_view text);

}  // namespace snap::dest
