#include <algorithm>
#include <deque>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/tls/certificate.h"
#include "native/tls/client_trust.h"
#include "native/tls/server_certificates.h"

/// What is loaded here, put to use: both ends of a TLS 1.3 handshake in memory.
namespace moq::native::tls {
namespace {

using std::chrono::system_clock;
using testing::HasSubstr;

struct End {
  explicit End(unsigned int flags) { gnutls_init(&session, flags | GNUTLS_NONBLOCK); }
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  ~End() { gnutls_deinit(session); }

  void set_up(const Credentials& credentials, End& other) {
    peer = &other;
    gnutls_priority_set_direct(session, "NORMAL:-VERS-ALL:+VERS-TLS1.3", nullptr);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials.get());
    gnutls_session_set_ptr(session, this);
    gnutls_transport_set_ptr(session, this);
    gnutls_transport_set_push_function(
        session, [](gnutls_transport_ptr_t self, const void* data, std::size_t size) {
          auto& out = static_cast<End*>(self)->peer->inbox;
          const auto* bytes = static_cast<const char*>(data);
          out.insert(out.end(), bytes, bytes + size);
          return static_cast<ssize_t>(size);
        });
    gnutls_transport_set_pull_function(
        session, [](gnutls_transport_ptr_t self, void* data, std::size_t size) -> ssize_t {
          auto* end = static_cast<End*>(self);
          if (end->inbox.empty()) {
            gnutls_transport_set_errno(end->session, EAGAIN);
            return -1;
          }
          size = std::min(size, end->inbox.size());
          const auto last = end->inbox.begin() + static_cast<std::ptrdiff_t>(size);
          std::copy(end->inbox.begin(), last, static_cast<char*>(data));
          end->inbox.erase(end->inbox.begin(), last);
          return static_cast<ssize_t>(size);
        });
  }

  gnutls_session_t session = nullptr;
  End* peer = nullptr;
  std::deque<char> inbox;
  const ClientContext* policy = nullptr;
  std::string name;
  Result<void> verified = {};
};

struct Outcome {
  bool connected = false;
  std::string refusal;  // the client's
  Fingerprint shown{};
};

Outcome handshake(const ServerCertificates& server, const ClientContext& client,
                  const std::string& name) {
  End server_end(GNUTLS_SERVER);
  End client_end(GNUTLS_CLIENT);
  server_end.set_up(server.context.credentials, client_end);
  client_end.set_up(client.credentials, server_end);
  client_end.policy = &client;
  client_end.name = name;
  if (name.find(':') == std::string::npos) {  // RFC 6066 §3: names only
    gnutls_server_name_set(client_end.session, GNUTLS_NAME_DNS, name.data(), name.size());
  }
  gnutls_session_set_verify_function(client_end.session, [](gnutls_session_t session) {
    auto* self = static_cast<End*>(gnutls_session_get_ptr(session));
    if (self->policy->verify) self->verified = self->policy->verify(session, self->name);
    return self->verified ? 0 : -1;
  });
  int from_client = GNUTLS_E_AGAIN;
  int from_server = GNUTLS_E_AGAIN;
  const auto waits = [](int code) { return code < 0 && gnutls_error_is_fatal(code) == 0; };
  for (int i = 0; i < 20 && (waits(from_client) || waits(from_server)); ++i) {
    if (waits(from_client)) from_client = gnutls_handshake(client_end.session);
    if (waits(from_server)) from_server = gnutls_handshake(server_end.session);
  }
  Outcome outcome{.connected = from_client == 0 && from_server == 0};
  if (!client_end.verified) outcome.refusal = client_end.verified.error().message();
  unsigned int count = 0;
  if (const auto* chain = gnutls_certificate_get_peers(client_end.session, &count)) {
    std::size_t size = outcome.shown.size();
    gnutls_fingerprint(GNUTLS_DIG_SHA256, chain, outcome.shown.data(), &size);
  }
  return outcome;
}

std::string write_file(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "moq_tls_handshake_" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(HandshakeTest, PinnedFingerprintDecidesAlone) {
  const auto server = *load_server_certificates({.generate = {"localhost"}});
  const std::string good = to_hex(server.fingerprints[0]);
  const std::string bad(64, 'a');
  auto outcome =
      handshake(server, *load_client_trust({.fingerprint = {good}}), "elsewhere.example");
  EXPECT_TRUE(outcome.connected) << outcome.refusal;
  outcome = handshake(server, *load_client_trust({.fingerprint = {bad, good}}), "localhost");
  EXPECT_TRUE(outcome.connected) << outcome.refusal;
  outcome = handshake(server, *load_client_trust({.fingerprint = {bad}}), "localhost");
  EXPECT_FALSE(outcome.connected);
  EXPECT_THAT(outcome.refusal, HasSubstr(good));
}

TEST(HandshakeTest, RootFilesVerifyNamesAndAddresses) {
  const auto server = *load_server_certificates({.generate = {"localhost", "127.0.0.1", "::1"}});
  const std::string root = write_file("root.pem", server.identities[0].chain);
  const auto client = *load_client_trust({.root = {root}});
  for (const char* name : {"localhost", "127.0.0.1", "::1"}) {
    const auto outcome = handshake(server, client, name);
    EXPECT_TRUE(outcome.connected) << name << ": " << outcome.refusal;
  }
  for (const char* name : {"other.example", "127.0.0.2", "::2"}) {
    const auto outcome = handshake(server, client, name);
    EXPECT_FALSE(outcome.connected) << name;
    EXPECT_THAT(outcome.refusal, HasSubstr("--client-tls-host-name"));
  }
}

TEST(HandshakeTest, ForeignIssuersAreRefusedWithTheRemedy) {
  const auto server = *load_server_certificates({.generate = {"localhost"}});
  const auto foreign = *generate_self_signed({"localhost"}, system_clock::now());
  const std::string root = write_file("foreign.pem", foreign.chain);
  const auto outcome = handshake(server, *load_client_trust({.root = {root}}), "localhost");
  EXPECT_FALSE(outcome.connected);
  EXPECT_THAT(outcome.refusal,
              HasSubstr("--client-tls-fingerprint " + to_hex(server.fingerprints[0])));
}

TEST(HandshakeTest, ExpiredCertificatesAreRefused) {
  const auto old = system_clock::now() - std::chrono::hours(24 * 30);
  const auto server = *load_server_certificates({.generate = {"localhost"}}, old);
  const std::string root = write_file("old.pem", server.identities[0].chain);
  const auto outcome = handshake(server, *load_client_trust({.root = {root}}), "localhost");
  EXPECT_FALSE(outcome.connected);
  EXPECT_THAT(outcome.refusal, HasSubstr("expired"));
}

TEST(HandshakeTest, DisableVerifyTakesAnything) {
  const auto server = *load_server_certificates({.generate = {"localhost"}});
  const auto outcome =
      handshake(server, *load_client_trust({.disable_verify = true}), "any.example");
  EXPECT_TRUE(outcome.connected) << outcome.refusal;
}

TEST(HandshakeTest, ServerNameSelectsTheCertificate) {
  const auto one = *generate_self_signed({"one.example"}, system_clock::now());
  const auto two = *generate_self_signed({"two.example", "*.wild.example"}, system_clock::now());
  const auto server = *load_server_certificates(
      {.cert = {write_file("one.pem", one.chain), write_file("two.pem", two.chain)},
       .key = {write_file("one.key", one.key), write_file("two.key", two.key)}});
  const auto client = *load_client_trust({.disable_verify = true});
  EXPECT_EQ(handshake(server, client, "one.example").shown, server.fingerprints[0]);
  EXPECT_EQ(handshake(server, client, "two.example").shown, server.fingerprints[1]);
  EXPECT_EQ(handshake(server, client, "a.wild.example").shown, server.fingerprints[1]);
  for (const char* name : {"unknown.example", "wild.example", "a.b.wild.example", "::1"}) {
    const auto outcome = handshake(server, client, name);
    EXPECT_TRUE(outcome.connected) << name;
    EXPECT_EQ(outcome.shown, server.fingerprints[0]) << name;
  }
}

}  // namespace
}  // namespace moq::native::tls
