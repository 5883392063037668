// Answers of S3 servers, sound and hostile (F-O11).
#include "dest/s3_xml.h"

#include <gtest/gtest.h>

namespace snap::dest {
namespace {

TEST(ParseXml, ReadsWhatServersSend) {
  auto root = parse_xml(
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<s3:ListBucketResult xmlns:s3='http://x/'><Name>a&amp;b &lt;&#x41;&#233;</Name>"
                  "<Contents><Key/></Contents> <Contents><Key>k</Key ></Contents>"
                  "</s3:ListBucketResult>\n")
                  .value();
  EXPECT_EQ(root.name, "ListBucketResult");
  EXPECT_EQ(root.text_of("Name"), "a&b <A\xC3\xA9");
  ASSERT_EQ(root.children.size(), 3U);
  EXPECT_EQ(root.children[1].text_of("Key"), "");
  EXPECT_EQ(root.children[2].text_of("Key"), "k");
  EXPECT_EQ(root.child("None"), nullptr);
}

struct Case {
  std::string name, text;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class Refused : public testing::TestWithParam<Case> {};

TEST_P(Refused, IsNoAnswer) { EXPECT_EQ(parse_xml(GetParam().text).error().code, Code::corrupt); }

std::string nested(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += "<a>";
  for (int i = 0; i < depth; ++i) text += "</a>";
  return text;
}

std::string many(int count) {
  std::string text = "<a>";
  for (int i = 0; i < count; ++i) text += "<b/>";
  return text + "</a>";
}

INSTANTIATE_TEST_SUITE_P(
    Hostile, Refused,
    testing::Values(Case{"empty", ""}, Case{"blank", " \n"}, Case{"no_xml", "Bad Gateway"},
                    Case{"cut", "<a><b>text</b>"}, Case{"cut_in_tag", "<a><b"},
                    Case{"cut_in_attribute", "<a b=\"c"}, Case{"crossed", "<a><b></a></b>"},
                    Case{"two_roots", "<a/><a/>"}, Case{"behind_the_end", "<a></a>x"},
                    Case{"document_type", "<!DOCTYPE a [<!ENTITY e \"eee\">]><a>&e;</a>"},
                    Case{"unknown_entity", "<a>&e;</a>"}, Case{"endless_entity", "<a>&amp</a>"},
                    Case{"nul", "<a>&#0;</a>"}, Case{"surrogate", "<a>&#xD800;</a>"},
                    Case{"too_large_character", "<a>&#x110000;</a>"},
                    Case{"control_byte", "<a>\x01</a>"}, Case{"comment", "<a><!-- x --></a>"},
                    Case{"cdata", "<a><![CDATA[x]]></a>"}, Case{"deep", nested(50)},
                    Case{"many", many(200'000)}, Case{"instruction", "<a><?x y?></a>"}),
    [](const auto& test) { return test.param.name; });

TEST(ParseXml, TakesWhatIsJustNotTooDeepOrTooMany) {
  EXPECT_TRUE(parse_xml(nested(17)));
  EXPECT_TRUE(parse_xml(many(99'999)));
}

TEST(XmlEscaped, IsReadBack) {
  EXPECT_EQ(parse_xml("<a>" + xml_escaped("\"<&>\"") + "</a>").value().text, "\"<&>\"");
}

}  // namespace
}  // namespace snap::dest
