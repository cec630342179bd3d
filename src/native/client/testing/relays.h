#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "native/client/client.h"
#include "net/session/testing/cluster.h"

/// Relays and clients on one loop and virtual time, connected in memory.
namespace moq::native::testing {

using moq::testing::Node;

/// A relay at a port. Sessions that end are dropped.
class TestRelay {
 public:
  TestRelay(Loop& loop, HopId id, std::string version)
      : node(loop, id), version_(std::move(version)) {}

  void accept(std::unique_ptr<transport::Session> transport) {
    auto session = Session::create(node.loop, std::move(transport),
                                   {.side = Side::server,
                                    .publish = &node.origin,
                                    .subscribe = &node.origin,
                                    .cache = &node.cache,
                                    .authorize =
                                        [this](const std::string& path, const Decision& decide) {
                                          paths.push_back(path);
                                          if (forbids)
                                            return decide(fail(SessionError::unauthorized));
                                          decide(Scope{});
                                        },
                                    .versions = {find_protocol_version(version_)}})
                       .value();
    Session* key = session.get();
    session->closed([this, key](const Error&, bool) {
      std::erase_if(sessions, [&](const auto& each) { return each.get() == key; });
    });
    ++accepted;
    if (goaway_at_once) (void)session->drain().start(redirect);
    sessions.push_back(std::move(session));
  }
  /// GOAWAY to all.
  void drain(const std::string& uri = {}, std::optional<Duration> deadline = {}) {
    for (const auto& session : sessions) (void)session->drain().start(uri, deadline);
  }
  /// The process is gone, and its sockets with it.
  void kill() {
    down = true;
    sessions.clear();
  }
  [[nodiscard]] const std::string& version() const { return version_; }

  Node node;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::string> paths;  ///< of those that came in
  std::size_t accepted = 0;
  std::size_t dialled = 0;
  bool down = false;            ///< dials fail
  bool hangs = false;           ///< dials are never answered
  bool forbids = false;         ///< sessions are refused
  bool goaway_at_once = false;  ///< new sessions are told to go
  std::string redirect;

 private:
  std::string version_;
};

/// The way to relays, by the port of a URL.
class TestNetwork final : public Connector {
 public:
  explicit TestNetwork(Loop& loop) : loop_(loop) {}

  void add(std::uint16_t port, TestRelay& relay) { relays_[port] = &relay; }

  Dial connect(const Url& url, const DialOptions& options, Connected connected) override {
    public_only.push_back(options.public_only);
    new_port.push_back(options.new_port);
    auto timer = std::make_shared<std::optional<Timer>>();
    timer->emplace(loop_, [this, port = url.port(), connected = std::move(connected)] {
      arrive(port, connected);
    });
    (*timer)->arm(later(loop_.now(), std::chrono::milliseconds(2)));
    return timer;
  }

  /// What each dial was to keep to.
  std::vector<bool> public_only;
  std::vector<bool> new_port;

 private:
  void arrive(std::uint16_t port, const Connected& connected) {
    const auto found = relays_.find(port);
    if (found == relays_.end()) {
      return connected(fail(transport::TransportError::unreachable, "nobody is there"));
    }
    TestRelay& relay = *found->second;
    ++relay.dialled;
    if (relay.hangs) return;
    if (relay.down) return connected(fail(transport::TransportError::refused, "down"));
    transport::testing::MemoryOptions link;
    link.protocol = find_protocol_version(relay.version())->alpn;
    auto pair = transport::testing::memory_pair(loop_, link);
    relay.accept(std::move(pair.second));
    connected(std::shared_ptr<transport::Session>(std::move(pair.first)));
  }

  Loop& loop_;
  std::map<std::uint16_t, TestRelay*> relays_;
};

/// An application on a client, and what it was told.
class TestClient final : public ClientHandler, private AnnounceReader {
 public:
  struct Setup {
    bool publishes = false;
    HopId id = 0;
    Backoff backoff = {};
    Goaway goaway = {};
    bool reconnect = true;
  };

  TestClient(Loop& loop, TestNetwork& network, const std::string& url, const Setup& setup)
      : node(loop, setup.id) {
    if (!setup.publishes) watch_ = node.origin.watch(Path(), *this);
    client = std::make_unique<Client>(
        loop, network, Url::parse(url).value(),
        ClientOptions{.publish = setup.publishes ? &node.origin : nullptr,
                      .subscribe = setup.publishes ? nullptr : &node.origin,
                      .cache = &node.cache,
                      .backoff = setup.backoff,
                      .goaway = setup.goaway,
                      .reconnect = setup.reconnect,
                      .random = [this] { return chance; }},
        *this);
  }
  ~TestClient() {
    subscription.reset();
    client.reset();
  }

  /// Subscribes at the broadcast that was announced last.
  void subscribe(const SubscribeOptions& options = {.max_latency = std::chrono::seconds(30)}) {
    subscription = (*broadcast->track("video"))->subscribe(options, viewer);
  }

  Node node;
  std::unique_ptr<Client> client;
  /// "connected ", "goaway ", "handed over ", "disconnected ", "closed ".
  std::string told;
  /// "+" for a broadcast that is new, "=" for another route, "-" for an end.
  std::string announced;
  std::shared_ptr<Broadcast> broadcast;
  moq::testing::Viewer viewer;
  std::unique_ptr<Subscription> subscription;
  double chance = 0.999999;  ///< backoff waits for its whole delay

 private:
  void on_connected(Session&) override { told += "connected "; }
  void on_goaway(const Url&) override { told += "goaway "; }
  void on_handed_over() override { told += "handed over "; }
  void on_disconnected(const Error&) override { told += "disconnected "; }
  void on_closed(const Error&) override { told += "closed "; }
  void on_announcements(const std::vector<Announcement>& changes) override {
    for (const Announcement& change : changes) {
      announced += change.broadcast == nullptr ? '-' : change.broadcast == broadcast ? '=' : '+';
      broadcast = change.broadcast;
    }
  }

  std::unique_ptr<Origin::Watch> watch_;
};

}  // namespace moq::native::testing
