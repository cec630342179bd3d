#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "net/base/loop.h"
#include "net/ietf/types.h"
#include "net/model/track.h"

namespace moq::ietf {

class Session;
class FetchRequest;
class TrackRequest;

/// The source of a track that the peer serves: turns demand into one SUBSCRIBE, however
/// many readers there are. Its answer also tells the properties, so it is sent as soon as
/// somebody asks for the track.
class RemoteTrack final : public TrackSource {
 public:
  /// How long a subscription is kept for readers who have yet to come.
  static constexpr Duration kLinger = std::chrono::seconds(2);
  /// How long a group waits for another subgroup, once all that there were are over.
  static constexpr Duration kQuiet = std::chrono::milliseconds(500);
  /// How long what comes of a group waits for its beginning.
  static constexpr Duration kJoinTimeout = std::chrono::seconds(5);

  /// `on_idle`: called when a running request has ended.
  RemoteTrack(Session& session, FullTrackName name, std::shared_ptr<Track> track,
              std::function<void()> on_idle);
  ~RemoteTrack() override;

  /// Asks for it, once it is known in this turn what its first readers want.
  void start();
  /// It comes by itself.
  void start(TrackRequest& request) { request_ = &request; }
  /// The same for a track that there is, if no subscription of ours has been accepted: one
  /// that waits for its answer is given up.
  [[nodiscard]] bool start_instead(TrackRequest& request);

  [[nodiscard]] Session& session() const { return session_; }
  [[nodiscard]] Track& track() const { return *track_; }
  [[nodiscard]] const std::shared_ptr<Track>& shared_track() const { return track_; }
  [[nodiscard]] const FullTrackName& name() const { return name_; }
  [[nodiscard]] bool busy() const { return request_ != nullptr || !fetches_.empty(); }

  /// What comes is behind `largest`: fetches the beginning of its group, so that those who
  /// read here have it whole.
  void join(Location largest);
  /// Whether the beginning of that group is on its way: its streams wait.
  [[nodiscard]] bool joins(std::uint64_t sequence) const {
    return joining_ != nullptr && joining_group_ == sequence;
  }
  [[nodiscard]] bool joins() const { return joining_ != nullptr; }

  void stream_ended();
  void received_datagram(const Datagram& datagram);
  /// The group of a subgroup stream that begins.
  Result<std::shared_ptr<Group>> begin_group(std::uint64_t sequence);
  /// One of its streams is over. `ends_group`: it had the largest object of the group.
  void end_stream(Group& group, bool ends_group);

  // --- From the requests.

  /// `largest`: of what the peer has published before.
  void accepted(const TrackInfo& info, const std::optional<Location>& largest);
  void failed(const Error& error);
  /// The request is over, and is to be made anew from group `next` on.
  void resume(std::uint64_t next);
  /// No group at or after `end` will come, `for_good` or to those who read here now.
  void ended(std::uint64_t end, bool for_good);
  void forget(TrackRequest& request);
  void forget(FetchRequest& request);
  /// The beginning of the group has come, or will not.
  void joined(FetchRequest& request, Group& group);

 private:
  void on_demand(Track& track, const std::optional<SubscribeOptions>& combined) override;
  void on_fetch(Track& track, std::uint64_t sequence) override;
  void subscribe();
  void unsubscribe();
  /// Gives the beginning of a group up.
  void abandon_join();

  Session& session_;
  FullTrackName name_;
  std::shared_ptr<Track> track_;
  TrackRequest* request_ = nullptr;
  std::vector<FetchRequest*> fetches_;
  FetchRequest* joining_ = nullptr;  ///< one of them: that of the beginning of...
  std::uint64_t joining_group_ = 0;
  std::optional<SubscribeOptions> wanted_;
  /// A group of which more subgroups may come.
  struct Open {
    std::weak_ptr<Group> group;
    std::size_t streams = 0;  ///< that are running
    Time since{};             ///< when the last of them was over
  };
  /// Finishes what has been without streams for kQuiet, but for the latest group, of which
  /// more will come.
  void finish_quiet();

  std::map<std::uint64_t, Open> open_;
  std::function<void()> on_idle_;
  Timer quiet_;
  Timer join_timer_;
  Timer linger_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::ietf
