#include "node/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/make_certificate.h"

namespace snap::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Seconds kFrom = *from_rfc3339("2026-01-01T00:00:00Z");
const Seconds kTo = *from_rfc3339("2027-01-01T00:00:00Z");

TEST(ReadCertificates, GivesSubjectAndDates) {
  auto made = test::make_certificate("kube-apiserver, \"é\"\n", kFrom, kTo);
  auto file = read_certificates("/pki/a.crt", "text before\n" + made.certificate);
  ASSERT_EQ(file.certificates.size(), 1U);
  const auto& certificate = file.certificates[0];
  EXPECT_EQ(certificate.path, "/pki/a.crt");
  EXPECT_EQ(certificate.subject, R"(CN=kube-apiserver\, \"\C3\A9\"\0A,O=system:masters)");
  EXPECT_EQ(certificate.not_before, kFrom);
  EXPECT_EQ(certificate.not_after, kTo);
  EXPECT_THAT(file.notes, IsEmpty());
}

TEST(ReadCertificates, GivesEveryOneOfABundleInOrder) {
  std::string bundle;
  for (auto name : {"one", "two", "three"})
    bundle += test::make_certificate(name, kFrom, kTo).certificate;
  auto file = read_certificates("/ca-bundle.crt", bundle);
  ASSERT_EQ(file.certificates.size(), 3U);
  EXPECT_THAT(file.certificates[0].subject, HasSubstr("one"));
  EXPECT_THAT(file.certificates[2].subject, HasSubstr("three"));
}

TEST(ReadCertificates, ReadsOnlyTheCertificateOfAFileWithAKey) {
  auto made = test::make_certificate("kubelet", kFrom, kTo);
  auto pem = read_certificates("/kubelet-client-current.pem", made.key + made.certificate);
  EXPECT_EQ(pem.certificates.size(), 1U);
  EXPECT_THAT(pem.notes, IsEmpty());
  EXPECT_THAT(read_certificates("/server-key.pem", made.key).notes, IsEmpty());
}

TEST(ReadCertificates, NotesAKeyWhereACertificateIsExpectedWithoutItsContent) {
  auto made = test::make_certificate("x", kFrom, kTo);
  auto file = read_certificates("/pki/a.crt", made.key);
  EXPECT_THAT(file.certificates, IsEmpty());
  EXPECT_THAT(file.notes, ElementsAre("holds a private key where a certificate is expected"));
}

TEST(ReadCertificates, NotesGarbage) {
  EXPECT_THAT(read_certificates("/a.crt", "hello").notes,
              ElementsAre("holds no PEM certificate, though its name promises one"));
  EXPECT_THAT(read_certificates("/a.pem", "").notes, ElementsAre(HasSubstr("no PEM certificate")));
  auto begin = "-----BEGIN CERTIFICATE-----\n", end = "-----END CERTIFICATE-----\n";
  for (const std::string& body : {std::string("AAAA\n"), std::string("!!!!\n"), std::string()}) {
    EXPECT_THAT(read_certificates("/a.crt", begin + body + end).notes,
                ElementsAre("holds a certificate that cannot be read"))
        << body;
  }
}

TEST(ReadCertificates, KeepsWhatComesBeforeTheDamage) {
  auto made = test::make_certificate("good", kFrom, kTo);
  auto cut = made.certificate.substr(0, made.certificate.size() / 2);
  auto file = read_certificates("/a.crt", made.certificate + cut);
  EXPECT_EQ(file.certificates.size(), 1U);
  EXPECT_THAT(file.notes, ElementsAre("holds a certificate that cannot be read"));
}

TEST(NamesCertificates, KnowsTheUsualEndings) {
  for (auto name : {"/a.crt", "/b.pem", "c.cert"}) EXPECT_TRUE(names_certificates(name)) << name;
  for (auto name : {"/a.key", "/crt", "/a.crt.bak", "/a.conf", ""})
    EXPECT_FALSE(names_certificates(name)) << name;
}

TEST(DateWarnings, NamesCertificatesThatEndedOrSoonWill) {
  using std::chrono::days;
  std::vector<Certificate> certificates = {{"/a.crt", "CN=a", kFrom, kTo}};
  auto text = [&](Seconds now) {
    auto warnings = date_warnings(certificates, now, days(30));
    return warnings.empty() ? std::string() : warnings[0].text;
  };
  EXPECT_EQ(text(kTo - days(31)), "");
  EXPECT_EQ(text(kTo - days(30)), "CN=a expires on 2027-01-01T00:00:00Z");
  EXPECT_EQ(text(kTo), "CN=a expired on 2027-01-01T00:00:00Z");
  EXPECT_EQ(text(kFrom - std::chrono::seconds(1)), "CN=a is not valid before 2026-01-01T00:00:00Z");
  EXPECT_EQ(text(kFrom), "");
}

}  // namespace
}  // namespace snap::node
