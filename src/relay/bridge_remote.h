#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "net/model/broadcast.h"
#include "net/model/origin.h"
#include "net/model/track.h"
#include "relay/bridge.h"

namespace moq::relay::bridge {

class RemoteBroadcast;

/// A track whose groups come from another worker.
class RemoteTrack final : private TrackSource {
 public:
  RemoteTrack(RemoteBroadcast& broadcast, const std::shared_ptr<Track>& track);
  RemoteTrack(const RemoteTrack&) = delete;
  RemoteTrack& operator=(const RemoteTrack&) = delete;
  /// The home is told that this is no more, unless it said so first.
  ~RemoteTrack() override;

  [[nodiscard]] CrossingId crossing() const { return crossing_; }
  [[nodiscard]] RemoteBroadcast& broadcast() const { return broadcast_; }
  /// Whether someone waits for something from the home.
  [[nodiscard]] bool busy() const { return demand_ || !answered_ || !fetches_.empty(); }
  /// Whether nobody can ask for it any more.
  [[nodiscard]] bool gone() const { return track_.expired(); }

  // What came from the home. After `handle(Aborted)` this is to be destroyed.
  void handle(Accepted& message);
  void handle(GroupBegun& message);
  void handle(GroupGrown& message);
  void handle(DatagramCame& message);
  void handle(Dropped& message);
  void handle(Ended& message);
  void handle(FetchFailed& message);
  void handle(Aborted& message);

 private:
  struct Copy {
    std::shared_ptr<Group> group;
    bool fetched = false;
  };

  void on_demand(Track& track, const std::optional<SubscribeOptions>& combined) override;
  void on_fetch(Track& track, std::uint64_t sequence) override;

  static bool apply(Group& group, SubgroupGrown& grown);
  void hold();

  RemoteBroadcast& broadcast_;
  CrossingId crossing_;
  std::weak_ptr<Track> track_;
  /// While busy: the broadcast may let go of a track that nobody holds.
  std::shared_ptr<Track> held_;
  bool answered_ = false;
  bool demand_ = false;
  bool aborted_ = false;
  std::uint64_t epoch_ = 0;
  std::vector<std::uint64_t> fetches_;
  std::unordered_map<GroupId, Copy> groups_;
};

/// A broadcast of another worker, published in this one's origin.
class RemoteBroadcast final : private BroadcastSource {
 public:
  RemoteBroadcast(Bridge& bridge, std::size_t home, BroadcastId id);
  RemoteBroadcast(const RemoteBroadcast&) = delete;
  RemoteBroadcast& operator=(const RemoteBroadcast&) = delete;
  ~RemoteBroadcast() override;

  [[nodiscard]] Bridge& bridge() const { return bridge_; }
  [[nodiscard]] std::size_t home() const { return home_; }
  [[nodiscard]] BroadcastId id() const { return id_; }

  /// Fails as Origin::publish does.
  Result<void> publish(Announced& message);
  Result<void> update(Announced& message);
  void withdraw() { publication_.reset(); }
  /// Whether a track still waits for something.
  [[nodiscard]] bool busy() const;
  /// Destroys one of the tracks.
  void drop(CrossingId crossing) { tracks_.erase(crossing); }

 private:
  void on_track(Broadcast& broadcast, const std::shared_ptr<Track>& track) override;
  [[nodiscard]] Route route(Announced& message) const;

  Bridge& bridge_;
  std::size_t home_;
  BroadcastId id_;
  std::shared_ptr<Broadcast> broadcast_;
  std::unique_ptr<Origin::Publication> publication_;
  std::map<CrossingId, std::unique_ptr<RemoteTrack>> tracks_;
  /// Tracks at which those that are gone are looked for.
  std::size_t sweep_at_ = 16;
};

}  // namespace moq::relay::bridge
