#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/ietf/remote_track.h"
#include "net/model/origin.h"

namespace moq::ietf {

/// A namespace of the peer's, as the broadcast that it is in our origin. Its tracks are
/// asked for when someone here wants them.
class RemoteBroadcast final : private BroadcastSource {
 public:
  RemoteBroadcast(Session& session, TrackNamespace name);
  ~RemoteBroadcast() override;

  /// Puts it into the origin.
  Result<void> publish(const Path& path);
  [[nodiscard]] bool published() const { return publication_ != nullptr; }
  /// The track of that name, which `request` brings. Fails with DUPLICATE_SUBSCRIPTION if
  /// the peer is asked for it already.
  Result<RemoteTrack*> publish_track(const std::string& name, TrackRequest& request);
  /// Its PUBLISH is over.
  void forget_track(const std::string& name);
  /// The peer has withdrawn it: nobody finds it any more, and what is running goes on
  /// until it ends by itself. `done` is called from the loop when nothing runs.
  void withdraw(std::function<void()> done);
  /// The peer is going away: the route loses to any other.
  void set_draining();

 private:
  void on_track(Broadcast& broadcast, const std::shared_ptr<Track>& track) override;
  void check_idle();
  [[nodiscard]] Route route() const;
  void update_route();
  /// On the loop's next turn: tracks often come many at a time.
  void post_update();

  Session& session_;
  TrackNamespace name_;
  std::shared_ptr<Broadcast> broadcast_;
  std::unique_ptr<Origin::Publication> publication_;
  std::map<const Track*, std::unique_ptr<RemoteTrack>> tracks_;
  std::vector<std::unique_ptr<RemoteTrack>> dead_;
  TrackRequest* brought_by_ = nullptr;  ///< the track that is being made
  std::set<std::string> published_;     ///< tracks that came by PUBLISH
  bool update_posted_ = false;
  std::function<void()> done_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::ietf
