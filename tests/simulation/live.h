#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "simulation/cluster.h"

namespace moq::simulation {

inline constexpr int kFramesPerSecond = 30;

/// A live track: a group a second, of equal frames at 30 a second.
class LivePublisher {
 public:
  LivePublisher(Loop& loop, testing::Source& source, std::size_t frame_size, std::uint64_t groups)
      : loop_(loop),
        source_(source),
        frame_size_(frame_size),
        groups_(groups),
        timer_(loop, [this] { tick(); }) {
    timer_.arm(loop.now());
  }

  [[nodiscard]] bool done() const { return sequence_ == groups_; }
  /// When each group's last frame was made.
  std::map<std::uint64_t, Time> finished;
  std::map<std::uint64_t, Time> begun;

  /// What frame `index` of group `sequence` holds.
  [[nodiscard]] static std::string payload(std::uint64_t sequence, std::uint64_t index,
                                           std::size_t size) {
    std::string text = std::to_string(sequence) + "." + std::to_string(index) + " ";
    text.resize(std::max(size, text.size()), static_cast<char>('a' + (sequence + index) % 26));
    return text;
  }

 private:
  void tick() {
    if (frame_ == 0) {
      group_ = source_.begin(sequence_);
      begun[sequence_] = loop_.now();
    }
    testing::Source::append(*group_,
                            (sequence_ * kFramesPerSecond + frame_) * 1000 / kFramesPerSecond,
                            payload(sequence_, frame_, frame_size_));
    if (++frame_ == kFramesPerSecond) {
      testing::Source::finish(*group_);
      finished[sequence_++] = loop_.now();
      frame_ = 0;
    }
    if (!done()) timer_.arm(later(loop_.now(), Duration(std::nano::den / kFramesPerSecond)));
  }

  Loop& loop_;
  testing::Source& source_;
  std::size_t frame_size_;
  std::uint64_t groups_;
  std::uint64_t sequence_ = 0;
  std::uint64_t frame_ = 0;
  std::shared_ptr<Group> group_;
  Timer timer_;
};

/// A publisher, a relay, a viewer.
struct Live {
  Live(std::uint64_t seed, const LinkOptions& up, const LinkOptions& down,
       const std::string& version)
      : cluster(seed),
        relay(cluster.add(down)),
        publisher(cluster.add(up)),
        viewer(cluster.add(up)) {
    cluster.serve(relay);
    cluster.connect(publisher, relay, version);
    cluster.connect(viewer, relay, version);
    // A server's handshake is complete a little later than its client's.
    if (!cluster.network.run_until([&] { return relay.sessions.size() == 2; },
                                   std::chrono::seconds(30))) {
      throw std::runtime_error("the relay has no sessions");
    }
  }

  std::shared_ptr<Track> find() {
    const bool found = cluster.network.run_until(
        [&] { return viewer.node.origin.find(Path("live")) != nullptr; }, std::chrono::seconds(30));
    if (!found) throw std::runtime_error("the broadcast was not announced");
    return viewer.node.origin.find(Path("live"))->track("video").value();
  }

  Cluster cluster;
  Host& relay;
  Host& publisher;
  Host& viewer;
};

}  // namespace moq::simulation
