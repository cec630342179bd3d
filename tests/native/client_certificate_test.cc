// Clients that show a certificate, over real UDP.

#include <fstream>
#include <future>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/echo.h"
#include "native/issuer.h"

namespace moq::native {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;
using testing::dial;
using testing::Issuer;
using testing::kGenerous;

/// A server that notes whose certificate it was shown.
class ClientCertificateTest : public ::testing::Test {
 protected:
  using Shown = std::optional<sys_seconds>;

  void start(std::vector<std::string> root, std::vector<std::string> generate = {"127.0.0.1"}) {
    certificates_ =
        *tls::load_server_certificates({.generate = std::move(generate), .root = std::move(root)});
    ServerConfig config;
    config.listen = *SocketAddress::parse("127.0.0.1:0");
    config.workers = 1;
    config.alpns = {"moq-test-1"};
    config.with_ctrl_c_handler(false);
    server_ = *Server::start(
        std::move(config), certificates_,
        {.on_request =
             [this](Worker&, const auto&, const quic::Connection& connection, const auto& answer) {
               note(connection.client_certificate_end());
               answer(200);
             },
         .on_session =
             [this](Worker&, std::shared_ptr<transport::Session> session, const Arrival& arrival) {
               if (session->traits().kind == "quic") note(arrival.certificate_end);
               sessions_.push_back(std::make_unique<testing::Echo>(std::move(session)));
               sessions_.back()->echo = true;
             },
         .on_stop = [this](Worker&) { sessions_.clear(); }});
  }
  void note(const Shown& shown) {
    const std::scoped_lock lock(mutex_);
    shown_.push_back(shown);
  }
  /// What the server was shown over both carriers; nothing if a client was turned away.
  std::vector<Shown> connect(const std::pair<std::string, std::string>& identity = {}) {
    EventLoop events;
    DialerConfig config;
    config.alpns = {"moq-test-1"};
    config.tls.fingerprint = {tls::to_hex(certificates_.fingerprints[0])};
    if (!identity.first.empty()) {
      config.tls.cert = identity.first;
      config.tls.key = identity.second;
    }
    const auto dialer = *Dialer::create(events, config);
    for (const char* scheme : {"https", "moqt"}) {
      const auto port = server_->local_address().port();
      auto connected = dial(events, *dialer, fmt::format("{}://127.0.0.1:{}/", scheme, port));
      if (!connected) continue;
      // In TLS 1.3 a client is done before the server has looked at its certificate.
      testing::Echo echo(*connected);
      echo.say("x");
      events.run_until([&] { return !echo.text.empty() || echo.closed.has_value(); }, kGenerous);
    }
    const std::scoped_lock lock(mutex_);
    return std::exchange(shown_, {});
  }

  tls::ServerCertificates certificates_;
  std::mutex mutex_;
  std::vector<Shown> shown_;  // guarded by mutex_
  std::vector<std::unique_ptr<testing::Echo>> sessions_;
  std::unique_ptr<Server> server_;
};

sys_seconds end_of(const Issuer::What& what) {
  return std::chrono::floor<seconds>(std::chrono::system_clock::now() + what.to);
}

TEST_F(ClientCertificateTest, NobodyNeedsOne) {
  const Issuer issuer("one");
  start({issuer.file()});
  EXPECT_EQ(connect(), (std::vector<Shown>{std::nullopt, std::nullopt}));
}

TEST_F(ClientCertificateTest, OneThatVerifiesHasAnEnd) {
  const Issuer issuer("one");
  const Issuer other("two");
  start({other.file(), issuer.file()}, {"127.0.0.1"});
  const Issuer::What what;
  const auto shown = connect(issuer.issue(what));
  ASSERT_EQ(shown.size(), 2U);
  for (const Shown& each : shown) {
    ASSERT_TRUE(each);
    EXPECT_LE(*each, end_of(what));
    EXPECT_GE(*each, end_of(what) - seconds(60));
  }
}

TEST_F(ClientCertificateTest, OneThatDoesNotVerifyEndsTheHandshake) {
  const Issuer issuer("one");
  const Issuer stranger("one");
  start({issuer.file()});
  EXPECT_TRUE(connect(stranger.issue({})).empty());
  EXPECT_TRUE(connect(issuer.issue({.from = seconds(-60), .to = seconds(-1)})).empty());
  EXPECT_TRUE(connect(issuer.issue({.from = seconds(600)})).empty());
  EXPECT_TRUE(connect(issuer.issue({.purpose = GNUTLS_KP_TLS_WWW_SERVER})).empty());
  EXPECT_EQ(connect().size(), 2U) << "the server has not suffered";
}

TEST_F(ClientCertificateTest, NobodyIsAskedWithoutARoot) {
  const Issuer issuer("one");
  start({});
  EXPECT_EQ(connect(issuer.issue({})), (std::vector<Shown>{std::nullopt, std::nullopt}));
}

TEST_F(ClientCertificateTest, NewRootsHoldForNewHandshakes) {
  const Issuer before("one");
  const Issuer after("one");
  start({before.file()});
  EXPECT_TRUE(connect(after.issue({})).empty());
  certificates_ =
      *tls::load_server_certificates({.generate = {"127.0.0.1"}, .root = {after.file()}});
  server_->set_certificates(certificates_);
  // Behind what was posted.
  std::promise<void> done;
  server_->at(0).events().post([&] { done.set_value(); });
  done.get_future().get();
  EXPECT_EQ(connect(after.issue({})).size(), 2U);
  EXPECT_TRUE(connect(before.issue({})).empty());
}

TEST(ClientRoots, AreCertificates) {
  const std::string file = ::testing::TempDir() + "moq_no_root.pem";
  std::ofstream(file) << "nothing";
  for (const std::string& each : {file, std::string("/nowhere/ca.pem")}) {
    const auto loaded = tls::load_server_certificates({.generate = {"localhost"}, .root = {each}});
    ASSERT_FALSE(loaded.has_value());
    EXPECT_THAT(loaded.error().message(), ::testing::HasSubstr(each));
  }
}

}  // namespace
}  // namespace moq::native
