// Rolling restarts on virtual time: relays come and go under a publisher and viewers that
// are clients of ours, over real QUIC on networks that lose and reorder packets by a seed.
//
// MOQ_SEEDS says how many seeds (scripts/test --full: many); MOQ_SEED is the only one.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "native/client/client.h"
#include "simulation/cluster.h"

namespace moq::simulation {
namespace {

using native::Client;
using native::ClientOptions;
using native::Connector;
using native::DialOptions;
using native::Url;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Source;

/// Those that have a GOAWAY.
constexpr std::array kVersions{"moq-lite-04", "moq-lite-05", "moq-transport-14",
                               "moq-transport-18"};
constexpr int kRolls = 5;
constexpr int kFrames = 15;  ///< in a group
constexpr Duration kFrameTime = milliseconds(33);

std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string payload(std::uint64_t group, std::uint64_t frame) {
  std::minstd_rand random(static_cast<std::uint32_t>(group * kFrames + frame + 1));
  std::string bytes(frame == 0 ? 8000 : 200 + random() % 1500, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

/// Checks what comes: each group once and whole.
struct Checker final : TrackReader {
  void on_info(const TrackInfo&) override {}
  void on_group(std::shared_ptr<Group> group) override {
    EXPECT_TRUE(groups.emplace(group->sequence(), group).second) << group->sequence();
  }
  void on_datagram(const Datagram&) override {}
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t) override {
    ADD_FAILURE() << "dropped " << first << " to " << last;
  }
  void on_end(std::uint64_t e) override { end = e; }
  void on_abort(const Error& error) override { ADD_FAILURE() << error.message(); }

  [[nodiscard]] bool has_all() const {
    if (!end || groups.empty()) return false;
    for (std::uint64_t i = groups.begin()->first; i < *end; ++i) {
      if (!groups.contains(i) || !groups.at(i)->complete()) return false;
    }
    return true;
  }
  void check() const {
    ASSERT_TRUE(end);
    for (std::uint64_t i = groups.begin()->first; i < *end; ++i) {
      ASSERT_TRUE(groups.contains(i)) << "group " << i << " is lost";
      const Group& group = *groups.at(i);
      ASSERT_TRUE(group.complete()) << "group " << i << " is cut";
      const auto& objects = group.find(0)->objects();
      ASSERT_EQ(objects.size(), kFrames) << "group " << i;
      for (std::uint64_t frame = 0; frame < kFrames; ++frame) {
        ASSERT_EQ(objects[frame].flatten().text(), payload(i, frame)) << i << "." << frame;
      }
    }
  }

  std::map<std::uint64_t, std::shared_ptr<Group>> groups;
  std::optional<std::uint64_t> end;
};

/// Relays by the port that URLs name; each port is one life of a relay.
class Relays {
 public:
  explicit Relays(Cluster& cluster) : cluster_(cluster) {}

  Host& start(const LinkOptions& link) {
    Host& host = cluster_.add(link);
    cluster_.serve(host);
    hosts_.push_back(&host);
    return host;
  }
  [[nodiscard]] Host& at(std::size_t number) { return *hosts_.at(number); }
  [[nodiscard]] static std::string url(std::size_t number) {
    return "moqt://relay.test:" + std::to_string(number + 1);
  }
  [[nodiscard]] Host& by(const Url& url) { return at(url.port() - 1U); }

 private:
  Cluster& cluster_;
  std::vector<Host*> hosts_;
};

/// An application on a host, with a client that finds relays by their URL.
class Application final : private Connector, private native::ClientHandler {
 public:
  Application(Cluster& cluster, Relays& relays, const LinkOptions& link, const char* version,
              bool publishes, std::uint64_t seed)
      : relays_(relays),
        versions_{find_protocol_version(version)},
        host_(cluster.add(link)),
        random_(static_cast<std::uint32_t>(seed)) {
    Loop& loop = cluster.network.loop();
    client_.emplace(
        loop, static_cast<Connector&>(*this), Url::parse(Relays::url(0)).value(),
        ClientOptions{.publish = publishes ? &host_.node.origin : nullptr,
                      .subscribe = publishes ? nullptr : &host_.node.origin,
                      .cache = &host_.node.cache,
                      .versions = versions_,
                      .random = [this] { return static_cast<double>(random_() % 1000) / 1000; }},
        static_cast<native::ClientHandler&>(*this));
  }
  ~Application() override {
    subscription_.reset();
    client_.reset();
  }

  [[nodiscard]] testing::Node& node() { return host_.node; }
  [[nodiscard]] Client& client() { return *client_; }
  bool subscribe() {
    const auto broadcast = host_.node.origin.find(Path("live"));
    if (broadcast == nullptr) return false;
    subscription_ = (*broadcast->track("video"))
                        ->subscribe({.ordered = true, .max_latency = seconds(30)}, checker);
    return true;
  }

  Checker checker;

 private:
  Dial connect(const Url& url, const DialOptions&, Connected connected) override {
    const auto tls = native::quic::testing::test_client_tls();
    tls->alpns = alpns(versions_);
    return host_.endpoint.connect({.remote = relays_.by(url).socket.local_address(),
                                   .server_name = "localhost",
                                   .tls = tls,
                                   .config = {}},
                                  [connected](auto result) {
                                    if (!result) return connected(fail(result.error()));
                                    connected(std::shared_ptr<transport::Session>(*result));
                                  });
  }
  void on_closed(const Error& error) override { ADD_FAILURE() << error.message(); }

  Relays& relays_;
  std::vector<const ProtocolVersion*> versions_;
  Host& host_;
  std::minstd_rand random_;
  std::optional<Client> client_;
  std::unique_ptr<Subscription> subscription_;
};

/// 30 frames a second.
class LiveSource {
 public:
  explicit LiveSource(testing::Node& node)
      : source_(node, "live", TrackInfo{.max_latency = seconds(30)}),
        timer_(node.loop, [this, &node] { tick(node.loop); }) {
    timer_.arm(node.loop.now());
  }
  /// With the end of the group in progress.
  void end() { ending_ = true; }

 private:
  void tick(Loop& loop) {
    if (frame_ == 0) group_ = source_.begin(sequence_);
    Source::append(*group_, (sequence_ * kFrames + frame_) * 33, payload(sequence_, frame_));
    if (++frame_ == kFrames) {
      Source::finish(*group_);
      ++sequence_;
      frame_ = 0;
      if (ending_) return source_.track->finish(sequence_);
    }
    timer_.arm(later(loop.now(), kFrameTime));
  }

  Source source_;
  std::uint64_t sequence_ = 0;
  std::uint64_t frame_ = 0;
  bool ending_ = false;
  std::shared_ptr<Group> group_;
  Timer timer_;
};

class Roll : public ::testing::TestWithParam<double> {};

TEST_P(Roll, NothingIsLostOrDoubledWhateverTheSeed) {
  const std::uint64_t only = environment("MOQ_SEED", 0);
  const std::uint64_t last = only != 0 ? only : environment("MOQ_SEEDS", 4);
  for (std::uint64_t seed = std::max<std::uint64_t>(only, 1); seed <= last; ++seed) {
    SCOPED_TRACE("MOQ_SEED=" + std::to_string(seed));
    std::minstd_rand random(static_cast<std::uint32_t>(seed));
    const LinkOptions link{.delay = milliseconds(1 + random() % 30),
                           .jitter = milliseconds(random() % 8),
                           .loss = GetParam()};
    Cluster cluster(seed);
    SimulatedNetwork& network = cluster.network;
    Relays relays(cluster);
    relays.start(link);
    Application publisher(cluster, relays, link, kVersions.at(random() % kVersions.size()), true,
                          seed);
    LiveSource source(publisher.node());
    std::vector<std::unique_ptr<Application>> viewers;
    for (const char* version : kVersions) {
      viewers.push_back(
          std::make_unique<Application>(cluster, relays, link, version, false, random()));
    }
    for (const auto& viewer : viewers) {
      ASSERT_TRUE(network.run_until([&] { return viewer->subscribe(); }, seconds(10)));
    }
    for (std::size_t roll = 0; roll < kRolls; ++roll) {
      network.run_for(milliseconds(1500 + random() % 1500));
      relays.start(link);
      Host& old = relays.at(roll);
      old.endpoint.refuse_new();
      for (const auto& session : old.sessions) {
        ASSERT_TRUE(session->drain().start(Relays::url(roll + 1)));
      }
      const auto gone = [&] {
        std::erase_if(old.sessions, [](const auto& session) { return !session->open(); });
        return old.sessions.empty();
      };
      EXPECT_TRUE(network.run_until(gone, seconds(11))) << "roll " << roll;
    }
    source.end();
    const auto done = [&] {
      return std::ranges::all_of(viewers,
                                 [](const auto& viewer) { return viewer->checker.has_all(); });
    };
    network.run_until(done, seconds(20));
    for (const auto& viewer : viewers) viewer->checker.check();
    viewers.clear();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Loss, Roll, ::testing::Values(0.0, 0.01, 0.03), [](const auto& given) {
  return std::to_string(static_cast<int>(given.param * 100)) + "Percent";
});

}  // namespace
}  // namespace moq::simulation
