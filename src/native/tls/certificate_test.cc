#include "native/tls/certificate.h"

#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gnutls/x509.h>
#include <gtest/gtest.h>

#include "native/tls/client_trust.h"
#include "native/tls/handles.h"
#include "native/tls/server_certificates.h"

namespace moq::native::tls {
namespace {

using std::chrono::system_clock;
using testing::HasSubstr;

std::string write_file(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "moq_tls_" + name;
  std::ofstream(path) << text;
  return path;
}

CertificateHandle parse(const std::string& pem) {
  CertificateHandle certificate = make_certificate();
  const gnutls_datum_t data = datum(as_bytes(pem));
  EXPECT_EQ(gnutls_x509_crt_import(certificate.get(), &data, GNUTLS_X509_FMT_PEM), 0);
  return certificate;
}

std::string serial_of(gnutls_x509_crt_t certificate) {
  std::string serial(64, '\0');
  std::size_t size = serial.size();
  EXPECT_EQ(gnutls_x509_crt_get_serial(certificate, serial.data(), &size), 0);
  serial.resize(size);
  return serial;
}

TEST(FingerprintTest, ParsesHexOfEitherCaseAndColons) {
  const std::string plain = "00112233445566778899aabbccddeeff00112233445566778899aabbccddee0f";
  const auto fingerprint = parse_fingerprint(plain);
  ASSERT_TRUE(fingerprint);
  EXPECT_EQ((*fingerprint)[1], 0x11);
  EXPECT_EQ((*fingerprint)[31], 0x0f);
  EXPECT_EQ(to_hex(*fingerprint), plain);
  std::string colons;
  for (std::size_t i = 0; i < plain.size(); i += 2) {
    colons += static_cast<char>(std::toupper(plain[i]));
    colons += static_cast<char>(std::toupper(plain[i + 1]));
    if (i + 2 < plain.size()) colons += ':';
  }
  EXPECT_EQ(parse_fingerprint(colons), fingerprint);

  std::string odd = colons;
  odd[2] = ' ';
  std::string not_hex = plain;
  not_hex[63] = 'g';
  for (const std::string& bad :
       {std::string(), plain.substr(1), plain + "0", odd, not_hex, "0x" + plain.substr(2)}) {
    const auto result = parse_fingerprint(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_THAT(result.error().message(), HasSubstr("64 hex digits"));
  }
}

TEST(GenerateTest, MakesWhatBrowsersPin) {
  const auto now = system_clock::from_time_t(1'800'000'000);
  const auto identity =
      generate_self_signed({"localhost", "*.example.com", "127.0.0.1", "::1"}, now);
  ASSERT_TRUE(identity) << identity.error().message();
  const CertificateHandle certificate = parse(identity->chain);
  gnutls_x509_crt_t crt = certificate.get();
  for (const char* name : {"localhost", "a.example.com", "127.0.0.1", "::1"}) {
    EXPECT_TRUE(gnutls_x509_crt_check_hostname(crt, name)) << name;
  }
  for (const char* name : {"example.com", "127.0.0.2", "::2", "local"}) {
    EXPECT_FALSE(gnutls_x509_crt_check_hostname(crt, name)) << name;
  }
  EXPECT_EQ(gnutls_x509_crt_get_activation_time(crt), 1'800'000'000 - 3600);
  EXPECT_EQ(gnutls_x509_crt_get_expiration_time(crt), 1'800'000'000 + 13 * 24 * 3600);
  EXPECT_LE(kGeneratedValidity + kGeneratedBackdate, std::chrono::hours(14 * 24));
  gnutls_ecc_curve_t curve{};
  EXPECT_EQ(gnutls_x509_crt_get_pk_ecc_raw(crt, &curve, nullptr, nullptr), 0);
  EXPECT_EQ(curve, GNUTLS_ECC_CURVE_SECP256R1);
  EXPECT_EQ(gnutls_x509_crt_get_version(crt), 3);
  EXPECT_EQ(serial_of(crt).size(), 16U);

  const auto other = generate_self_signed({"localhost"}, now);
  EXPECT_NE(serial_of(parse(other->chain).get()), serial_of(crt));
  EXPECT_NE(*fingerprint_of(other->chain), *fingerprint_of(identity->chain));
}

TEST(GenerateTest, RefusesWhatIsNoName) {
  const auto now = system_clock::now();
  EXPECT_FALSE(generate_self_signed({}, now));
  for (const char* name : {"", "a b", "a..b", ".a", "*", "a.*.b", "::1::", "caf\xc3\xa9.example",
                           "https://localhost"}) {
    const auto result = generate_self_signed({"localhost", name}, now);
    ASSERT_FALSE(result) << name;
    EXPECT_THAT(result.error().message(), HasSubstr("neither a DNS name"));
  }
}

TEST(LoadServerTest, LoadsSeveralPairsAndGenerates) {
  const auto now = system_clock::now();
  const auto one = *generate_self_signed({"one.example"}, now);
  const auto two = *generate_self_signed({"two.example"}, now);
  const auto result = load_server_certificates(
      {.cert = {write_file("one.pem", one.chain), write_file("two.pem", two.chain)},
       .key = {write_file("one.key", one.key), write_file("two.key", two.key)},
       .generate = {"localhost"}});
  ASSERT_TRUE(result) << result.error().message();
  ASSERT_EQ(result->fingerprints.size(), 3U);
  EXPECT_EQ(result->fingerprints[0], *fingerprint_of(one.chain));
  EXPECT_EQ(result->fingerprints[1], *fingerprint_of(two.chain));
  EXPECT_EQ(result->fingerprints[2], *fingerprint_of(result->identities[2].chain));
}

TEST(LoadServerTest, ErrorsNameTheFileAndTheRemedy) {
  const auto identity = *generate_self_signed({"localhost"}, system_clock::now());
  const auto other = *generate_self_signed({"localhost"}, system_clock::now());
  const std::string cert = write_file("good.pem", identity.chain);
  const std::string key = write_file("good.key", identity.key);
  const std::string other_key = write_file("other.key", other.key);
  const std::string garbage = write_file("garbage.pem", "not PEM at all\n");
  const std::string empty = write_file("empty.pem", "");
  std::string long_chain;
  for (int i = 0; i < 17; ++i) long_chain += identity.chain;
  const std::string endless = write_file("endless.pem", long_chain);
  struct Case {
    ServerConfig config;
    std::vector<std::string> says;
  };
  for (const Case& test : {
           Case{{}, {"tls.cert", "tls.generate"}},
           Case{{.cert = {cert}}, {"1 file(s)", "0"}},
           Case{{.cert = {"/nonexistent/c.pem"}, .key = {key}},
                {"certificate file /nonexistent/c.pem", "No such file"}},
           Case{{.cert = {cert}, .key = {"/nonexistent/k.pem"}},
                {"private key file /nonexistent/k.pem", "No such file"}},
           Case{{.cert = {testing::TempDir()}, .key = {key}}, {"Is a directory"}},
           Case{{.cert = {empty}, .key = {key}}, {empty, "it is empty"}},
           Case{{.cert = {garbage}, .key = {key}}, {garbage, "no certificate chain in PEM"}},
           Case{{.cert = {endless}, .key = {key}}, {endless, "at most 16"}},
           Case{{.cert = {cert}, .key = {garbage}}, {garbage, "no private key in PEM"}},
           Case{{.cert = {cert}, .key = {other_key}}, {other_key, cert, "does not belong"}},
       }) {
    const auto result = load_server_certificates(test.config);
    ASSERT_FALSE(result) << test.says.front();
    for (const auto& text : test.says) EXPECT_THAT(result.error().message(), HasSubstr(text));
  }
}

TEST(LoadClientTest, RefusesContradictionsAndBadFiles) {
  const auto identity = *generate_self_signed({"localhost"}, system_clock::now());
  const std::string cert = write_file("client.pem", identity.chain);
  const std::string key = write_file("client.key", identity.key);
  const std::string print = to_hex(*fingerprint_of(identity.chain));
  struct Case {
    ClientConfig config;
    std::string says;
  };
  for (const Case& test : {
           Case{{.root = {cert}, .disable_verify = true}, "disable-verify accepts every"},
           Case{{.fingerprint = {print}, .disable_verify = true}, "disable-verify accepts every"},
           Case{{.root = {cert}, .fingerprint = {print}}, "cannot go with"},
           Case{{.system_roots = true, .fingerprint = {print}}, "cannot go with"},
           Case{{.system_roots = false}, "no server could be trusted"},
           Case{{.cert = cert, .disable_verify = true}, "go together"},
           Case{{.root = {"/nonexistent/r.pem"}}, "/nonexistent/r.pem"},
           Case{{.root = {key}}, "--client-tls-root takes a file"},
           Case{{.fingerprint = {"abc"}}, "64 hex digits"},
       }) {
    const auto result = load_client_trust(test.config);
    ASSERT_FALSE(result) << test.says;
    EXPECT_THAT(result.error().message(), HasSubstr(test.says));
  }
  EXPECT_TRUE(load_client_trust({.root = {cert}, .cert = cert, .key = key}));
}

}  // namespace
}  // namespace moq::native::tls
