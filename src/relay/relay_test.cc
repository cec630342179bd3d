#include "relay/relay.h"

#include <csignal>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/client/dialer.h"
#include "net/lite/error.h"
#include "net/session/session.h"
#include "net/session/version.h"

namespace moq::relay {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// How long a test waits for what has to happen.
constexpr std::chrono::seconds kDeadline{60};

// Collects the text of the objects of all groups.
class Viewer final : private TrackReader {
 public:
  explicit Viewer(const std::shared_ptr<Track>& track)
      : subscription_(track->subscribe({.max_latency = std::chrono::seconds(5)}, *this)) {}

  [[nodiscard]] std::string text() const {
    std::string all;
    for (const auto& group : groups_) {
      const Subgroup* subgroup = group->find(0);
      if (subgroup == nullptr) continue;
      for (const Object& object : subgroup->objects()) all += object.flatten().text();
    }
    return all;
  }
  [[nodiscard]] bool gone() const { return gone_; }

 private:
  void on_info(const TrackInfo& /*info*/) override {}
  void on_group(std::shared_ptr<Group> group) override { groups_.push_back(std::move(group)); }
  void on_datagram(const Datagram& /*datagram*/) override {}
  void on_drop(std::uint64_t /*first*/, std::uint64_t /*last*/, std::uint64_t /*code*/) override {}
  void on_end(std::uint64_t /*end*/) override {}
  void on_abort(const Error& /*error*/) override { gone_ = true; }

  std::vector<std::shared_ptr<Group>> groups_;
  bool gone_ = false;
  std::unique_ptr<Subscription> subscription_;
};

// A client: one session with an origin of its own.
struct Peer {
  explicit Peer(native::EventLoop& events)
      : cache(std::make_shared<CacheBudget>()), origin(events.loop(), 0) {}

  Cache cache;
  Origin origin;
  std::unique_ptr<native::Dialer> client;
  native::Dialer::Dial dial;
  std::unique_ptr<Session> session;
  std::optional<Error> failed;
  std::optional<Error> closed;
  bool by_peer = false;
  bool ready = false;
  bool goaway = false;
};

class RelayTest : public ::testing::Test {
 protected:
  void start(std::size_t workers, Config config = {}) {
    config.server.bind = {"127.0.0.1", 0};
    config.server.workers = workers;
    config.server.tls.generate = {"localhost"};
    if (config.auth.public_access == PublicAccess{}) config.auth.public_access = {{""}, {""}};
    auto started = Relay::start(events_, config, [this](int code) { exit_code_ = code; });
    ASSERT_TRUE(started) << started.error().message();
    relay_ = *std::move(started);
  }

  struct Dialling {
    std::string path;
    /// Of the session; empty: any.
    std::string version;
    std::string scheme = "moqt";
    /// ALPN tokens or subprotocols; unset: those of the version.
    std::optional<std::vector<std::string>> offered = std::nullopt;
  };

  // Dials, and waits until the session is ready or has failed.
  std::unique_ptr<Peer> connect(const Dialling& dialling) {
    auto peer = std::make_unique<Peer>(events_);
    const std::vector<std::string> names = dialling.version.empty()
                                               ? std::vector<std::string>{}
                                               : std::vector<std::string>{dialling.version};
    const auto versions = *parse_versions(names);
    native::DialerConfig config;
    config.tls.disable_verify = true;
    config.alpns = dialling.offered.value_or(alpns(versions));
    peer->client = *native::Dialer::create(events_, config);
    const auto url = native::Url::parse(
        fmt::format("{}://{}{}", dialling.scheme, relay_->address().to_string(), dialling.path));
    peer->dial = peer->client->connect(
        *url, [this, path = dialling.path, versions, raw = peer.get()](auto connection) {
          if (!connection) {
            raw->failed = connection.error();
            return;
          }
          auto session = Session::create(events_.loop(), *std::move(connection),
                                         {.side = Side::client,
                                          .publish = &raw->origin,
                                          .subscribe = &raw->origin,
                                          .cache = &raw->cache,
                                          .path = path,
                                          .versions = versions,
                                          .on_goaway = OnGoaway::stay});
          if (!session) {
            raw->failed = session.error();
            return;
          }
          raw->session = *std::move(session);
          raw->session->ready([raw] { raw->ready = true; });
          raw->session->draining([raw](const std::string&) { raw->goaway = true; });
          raw->session->closed([raw](const Error& error, bool by_peer) {
            raw->closed = error;
            raw->by_peer = by_peer;
          });
        });
    EXPECT_TRUE(wait([&] { return peer->failed || peer->closed || peer->ready; }));
    return peer;
  }
  std::unique_ptr<Peer> connect(const std::string& path = "", const std::string& version = "") {
    return connect({.path = path, .version = version});
  }

  bool wait(const std::function<bool()>& done) { return events_.run_until(done, kDeadline); }

  // Publishes "room" with a track "video" at `peer`.
  void publish(Peer& peer) {
    broadcast_ = std::make_shared<Broadcast>(events_.loop(), peer.cache);
    track_ = *broadcast_->create("video");
    track_->accept({});
    publication_ = *peer.origin.publish(Path("room"), broadcast_, {});
  }
  void say(std::uint64_t sequence, const std::string& text) {
    auto group = *track_->create_group(sequence);
    ASSERT_TRUE(group->only().append({}, Bytes::copy_of(text)));
    group->finish();
  }
  std::unique_ptr<Viewer> view(Peer& peer, const char* path = "room") {
    EXPECT_TRUE(wait([&] { return peer.origin.find(Path(path)) != nullptr; }));
    const auto broadcast = peer.origin.find(Path(path));
    if (broadcast == nullptr) return nullptr;
    return std::make_unique<Viewer>(*broadcast->track("video"));
  }

  native::EventLoop events_;
  std::optional<int> exit_code_;
  std::unique_ptr<Relay> relay_;
  std::shared_ptr<Broadcast> broadcast_;
  std::shared_ptr<Track> track_;
  std::unique_ptr<Origin::Publication> publication_;
};

TEST_F(RelayTest, WhatOnePublishesAllWorkersServe) {
  start(3);
  const auto publisher = connect();
  publish(*publisher);
  // The kernel spreads clients over the workers by their ports: of eight, some
  // are almost surely not where the publisher is.
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (int i = 0; i < 8; ++i) {
    peers.push_back(connect());
    viewers.push_back(view(*peers.back()));
    ASSERT_NE(viewers.back(), nullptr);
  }
  say(0, "hello ");
  ASSERT_TRUE(wait([&] {
    return std::ranges::all_of(viewers, [](const auto& v) { return v->text() == "hello "; });
  }));
  say(1, "again");
  EXPECT_TRUE(wait([&] {
    return std::ranges::all_of(viewers, [](const auto& v) { return v->text() == "hello again"; });
  }));
  // And the end of the publisher reaches them all.
  publication_.reset();
  broadcast_->close(Error(lite::StreamError::cancelled));
  EXPECT_TRUE(wait([&] {
    return std::ranges::all_of(
        peers, [](const auto& peer) { return peer->origin.find(Path("room")) == nullptr; });
  }));
}

TEST_F(RelayTest, VersionsMeet) {
  start(1);
  const auto publisher = connect("", "moq-lite-02");
  publish(*publisher);
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (const ProtocolVersion& version : protocol_versions()) {
    peers.push_back(connect("", std::string(version.name)));
    ASSERT_TRUE(peers.back()->ready) << version.name;
    EXPECT_EQ(peers.back()->session->version(), version.name);
    viewers.push_back(view(*peers.back()));
  }
  say(0, "across");
  for (const auto& viewer : viewers) {
    EXPECT_TRUE(wait([&] { return viewer->text() == "across"; }));
  }
}

TEST_F(RelayTest, AWebTransportSessionWithoutSubprotocolIsNegotiatedBySetup) {
  start(1);
  const auto publisher = connect({.path = "", .version = "moq-lite-05", .scheme = "https"});
  ASSERT_TRUE(publisher->ready);
  EXPECT_EQ(publisher->session->transport().protocol(), "moq-lite-05");
  publish(*publisher);
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<std::unique_ptr<Viewer>> viewers;
  // Nothing is offered, or nothing that the relay knows.
  for (const std::vector<std::string>& offered : {std::vector<std::string>{}, {"moq-99", "chat"}}) {
    for (const char* version : {"moq-lite-01", "moq-lite-02"}) {
      peers.push_back(
          connect({.path = "", .version = version, .scheme = "https", .offered = offered}));
      ASSERT_TRUE(peers.back()->ready) << version;
      EXPECT_EQ(peers.back()->session->transport().protocol(), "") << version;
      EXPECT_EQ(peers.back()->session->version(), version);
      viewers.push_back(view(*peers.back()));
      ASSERT_NE(viewers.back(), nullptr) << version;
    }
  }
  say(0, "across");
  for (const auto& viewer : viewers) {
    EXPECT_TRUE(wait([&] { return viewer->text() == "across"; }));
  }
  // The relay's own choice, of all that the client would speak.
  const auto any = connect(
      {.path = "", .version = "", .scheme = "https", .offered = std::vector<std::string>{}});
  ASSERT_TRUE(any->ready);
  EXPECT_EQ(any->session->version(), "moq-lite-02");
  // A version that SETUP cannot choose.
  const auto none = connect({.path = "",
                             .version = "moq-lite-05",
                             .scheme = "https",
                             .offered = std::vector<std::string>{}});
  ASSERT_TRUE(none->failed);
}

TEST_F(RelayTest, AVersionThatSetupWouldChooseIsRefusedUnlessAllowed) {
  Config config;
  config.server.versions = {"moq-lite-02"};
  start(1, config);
  const auto refused = connect("", "moq-lite-01");
  ASSERT_TRUE(wait([&] { return refused->closed.has_value(); }));
  EXPECT_TRUE(refused->closed->is(SessionError::version_negotiation));
  EXPECT_FALSE(refused->ready);
  EXPECT_TRUE(connect("", "moq-lite-02")->ready);
}

TEST_F(RelayTest, AVersionThatIsNotAllowedIsRefused) {
  Config config;
  config.server.versions = {"moq-lite-04"};
  start(1, config);
  EXPECT_TRUE(connect("", "moq-lite-05")->failed);
  EXPECT_TRUE(connect("", "moq-lite-04")->ready);
}

TEST_F(RelayTest, AccessFollowsThePath) {
  Config config;
  config.auth.public_access = {.subscribe = {"room", "other"}, .publish = {"room"}};
  start(1, config);
  const auto publisher = connect();
  publish(*publisher);
  const auto inside = connect("/room");
  EXPECT_NE(view(*inside, ""), nullptr);
  const auto outside = connect("/secret");
  ASSERT_TRUE(wait([&] { return outside->closed.has_value(); }));
  EXPECT_EQ(outside->closed->code(), static_cast<std::uint64_t>(SessionError::unauthorized));
  const auto token = connect("/room?jwt=abc");
  ASSERT_TRUE(wait([&] { return token->closed.has_value(); }));
  EXPECT_EQ(token->closed->code(), static_cast<std::uint64_t>(SessionError::unauthorized));
}

TEST_F(RelayTest, AccessFollowsThePathOfWebTransport) {
  Config config;
  config.auth.public_access = {.subscribe = {"room"}, .publish = {"room"}};
  start(1, config);
  // Whether SETUP comes first or not: the path is CONNECT's.
  for (const char* version : {"moq-lite-02", "moq-lite-05"}) {
    SCOPED_TRACE(version);
    EXPECT_TRUE(connect({.path = "/room", .version = version, .scheme = "https"})->ready);
    for (const char* path : {"/secret", "/room?jwt=abc"}) {
      const auto refused = connect({.path = path, .version = version, .scheme = "https"});
      ASSERT_TRUE(refused->failed) << path;
      EXPECT_THAT(refused->failed->message(), AllOf(HasSubstr("401"), Not(HasSubstr("abc"))));
    }
  }
}

TEST_F(RelayTest, AtOneRootThereAreSoManySessions) {
  Config config;
  config.limits.sessions_per_root = 2;
  start(2, config);
  for (const std::string version : {"moq-lite-02", "moq-lite-05", "moq-transport-18"}) {
    SCOPED_TRACE(version);
    const std::string path = "/" + version;
    const auto first = connect({.path = path, .version = version});
    auto second = connect({.path = path, .version = version, .scheme = "https"});
    ASSERT_TRUE(first->ready && second->ready);
    const auto late = connect({.path = path, .version = version});
    ASSERT_TRUE(wait([&] { return late->closed.has_value(); }));
    EXPECT_TRUE(late->closed->is(SessionError::too_many_requests)) << late->closed->message();
    const auto web = connect({.path = path, .version = version, .scheme = "https"});
    ASSERT_TRUE(web->failed);
    EXPECT_THAT(web->failed->message(), HasSubstr("503"));
    EXPECT_TRUE(connect({.path = path + "/other", .version = version})->ready);
    // Who leaves makes room, once the relay has heard of it.
    second->session.reset();
    bool ready = false;
    for (int tries = 0; !ready && tries < 1000; ++tries) {
      ready = connect({.path = path, .version = version, .scheme = "https"})->ready;
    }
    EXPECT_TRUE(ready);
  }
}

TEST_F(RelayTest, ASignalWithoutSessionsEndsItWithZero) {
  start(2);
  relay_->on_signal(SIGTERM);
  ASSERT_TRUE(wait([&] { return exit_code_.has_value(); }));
  EXPECT_EQ(exit_code_, 0);
}

TEST_F(RelayTest, ADrainEndsWhenTheLastSessionHasLeft) {
  start(2);
  const auto publisher = connect();
  publish(*publisher);
  const auto peer = connect();
  const auto viewer = view(*peer);
  say(0, "before ");
  ASSERT_TRUE(wait([&] { return viewer->text() == "before "; }));
  relay_->on_signal(SIGTERM);
  ASSERT_TRUE(wait([&] { return publisher->goaway && peer->goaway; }));
  // New ones are refused, and what runs goes on.
  EXPECT_TRUE(connect()->failed);
  say(1, "and after");
  ASSERT_TRUE(wait([&] { return viewer->text() == "before and after"; }));
  publisher->session.reset();
  ASSERT_TRUE(wait([&] { return peer->origin.find(Path("room")) == nullptr; }));
  EXPECT_FALSE(exit_code_);
  peer->session.reset();
  ASSERT_TRUE(wait([&] { return exit_code_.has_value(); }));
  EXPECT_EQ(exit_code_, 0);
}

TEST_F(RelayTest, TheSecondSignalEndsItAtOnce) {
  start(2);
  const auto peer = connect();
  relay_->on_signal(SIGINT);
  relay_->on_signal(SIGINT);
  EXPECT_EQ(exit_code_, 130);
  relay_.reset();
  ASSERT_TRUE(wait([&] { return peer->closed.has_value(); }));
}

TEST_F(RelayTest, ADrainTimeoutClosesWhoStays) {
  Config config;
  config.drain.timeout = std::chrono::milliseconds(50);
  start(2, config);
  const auto publisher = connect();
  publish(*publisher);
  const auto peer = connect();
  // A client is connected a moment before the relay knows; then it knows.
  const auto viewer = view(*peer);
  relay_->on_signal(SIGTERM);
  ASSERT_TRUE(wait([&] { return exit_code_.has_value(); }));
  EXPECT_EQ(exit_code_, 0);
  relay_.reset();
  ASSERT_TRUE(wait([&] { return peer->closed.has_value(); }));
  EXPECT_EQ(peer->closed->code(), static_cast<std::uint64_t>(SessionError::goaway_timeout));
}

TEST_F(RelayTest, ADrainTimeoutOfZeroClosesAtOnce) {
  Config config;
  config.drain.timeout = Duration::zero();
  start(1, config);
  const auto peer = connect();
  relay_->on_signal(SIGTERM);
  ASSERT_TRUE(wait([&] { return exit_code_.has_value(); }));
  EXPECT_EQ(exit_code_, 0);
}

TEST_F(RelayTest, APortInUseIsNamed) {
  start(1);
  Config config;
  config.server.bind = {"127.0.0.1", relay_->address().port()};
  config.server.tls.generate = {"localhost"};
  const auto second = Relay::start(events_, config, nullptr);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr(relay_->address().to_string()));
}

TEST_F(RelayTest, AHostThatDoesNotExistIsNamed) {
  Config config;
  config.server.bind = {"no-such-host.invalid", 1};
  config.server.tls.generate = {"localhost"};
  const auto relay = Relay::start(events_, config, nullptr);
  ASSERT_FALSE(relay);
  EXPECT_THAT(relay.error().message(), HasSubstr("cannot resolve no-such-host.invalid"));
}

}  // namespace
}  // namespace moq::relay
