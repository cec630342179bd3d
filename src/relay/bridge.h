#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/base/loop.h"
#include "net/model/cache.h"
#include "net/model/origin.h"
#include "relay/bridge_messages.h"

namespace moq::relay {

namespace bridge {
class HomeTrack;
class RemoteBroadcast;
class RemoteTrack;
}  // namespace bridge

/// One worker's end of the bridges to all other workers: each sees the others'
/// broadcasts in its own origin, as if they were published there.
///
/// A broadcast keeps the hops that it has at home: a bridge is no hop. What came
/// over a bridge crosses no other one. A track crosses once for each worker that
/// wants it, however many want it there, and only as long as someone does; its
/// groups are built anew from shared Bytes, whose cost stays with the home.
/// Messages of a tick go together.
///
/// Belongs to its loop's thread. Origin and cache must outlive it.
class Bridge final : private AnnounceReader, private Flushable {
 public:
  using Messages = std::vector<bridge::Message>;
  /// Has `receive(from, messages)` called on the other bridge, on its thread, in
  /// the order of the calls.
  using Send = std::function<void(Messages messages)>;

  Bridge(Loop& loop, Origin& origin, Cache& cache);
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;
  ~Bridge();

  /// Adds the way to another worker. All are added before the first turn of the
  /// loop.
  void connect(std::size_t worker, Send send);
  /// What another worker's bridge sent.
  void receive(std::size_t from, Messages messages);

  /// Tracks that come here, and that go from here.
  [[nodiscard]] std::size_t incoming() const { return remote_tracks_.size(); }
  [[nodiscard]] std::size_t outgoing() const { return home_tracks_.size(); }

  // --- For the crossings.

  [[nodiscard]] Loop& loop() const { return loop_; }
  [[nodiscard]] Cache& cache() const { return cache_; }
  [[nodiscard]] Origin& origin() const { return origin_; }
  /// Who the bridged routes came from: the same for all workers.
  [[nodiscard]] PeerToken token() const { return this; }
  void send(std::size_t worker, bridge::Message message);
  /// The home has something to tell at the end of the tick.
  void has_progress(bridge::HomeTrack& track);
  /// Destroys a home track, on the loop's next turn.
  void forget(const bridge::HomeTrack& track);
  /// Null when it is not there any more.
  [[nodiscard]] std::shared_ptr<Broadcast> home_broadcast(bridge::BroadcastId id) const;
  [[nodiscard]] bridge::GroupId next_group() { return ++last_group_; }
  bridge::CrossingId add(bridge::RemoteTrack& track);
  void remove(bridge::CrossingId crossing) { remote_tracks_.erase(crossing); }
  /// Looks, on the loop's next turn, for withdrawn broadcasts that nobody uses.
  void clean_up();

 private:
  using Crossing = std::pair<std::size_t, bridge::CrossingId>;
  struct Peer {
    Send send;
    Messages waiting;
    /// What the peer has announced, by path.
    std::map<Path, std::shared_ptr<bridge::RemoteBroadcast>> broadcasts;
  };
  struct Home {
    bridge::BroadcastId id = 0;
    std::weak_ptr<Broadcast> broadcast;
    std::vector<HopId> hops;
    TrackNames tracks;
  };

  void on_announcements(const std::vector<Announcement>& changes) override;
  void flush() override;

  void handle(std::size_t from, bridge::Announced& message);
  void handle(std::size_t from, bridge::Withdrawn& message);
  void handle(std::size_t from, bridge::Opened& message);
  void handle(std::size_t from, bridge::Demanded& message);
  void handle(std::size_t from, bridge::Fetched& message);
  void handle(std::size_t from, bridge::Closed& message);
  template <typename Message>
  void handle(std::size_t from, Message& message);
  void retire(std::shared_ptr<bridge::RemoteBroadcast> broadcast);

  Loop& loop_;
  Origin& origin_;
  Cache& cache_;
  std::map<std::size_t, Peer> peers_;

  // What is at home here.
  bridge::BroadcastId last_broadcast_ = 0;
  bridge::GroupId last_group_ = 0;
  std::map<Path, Home> homes_;
  std::unordered_map<bridge::BroadcastId, std::weak_ptr<Broadcast>> home_broadcasts_;
  std::map<Crossing, std::unique_ptr<bridge::HomeTrack>> home_tracks_;
  std::vector<Crossing> progress_;

  // What comes from elsewhere.
  bridge::CrossingId last_crossing_ = 0;
  std::unordered_map<bridge::CrossingId, bridge::RemoteTrack*> remote_tracks_;
  /// Withdrawn, but still read from.
  std::vector<std::shared_ptr<bridge::RemoteBroadcast>> retired_;
  bool clean_up_posted_ = false;

  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::unique_ptr<Origin::Watch> watch_;
};

}  // namespace moq::relay
