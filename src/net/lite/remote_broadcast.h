#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/lite/remote_track.h"
#include "net/model/origin.h"

namespace moq::lite {

/// A broadcast that the peer has announced, as it stands in our origin. Its
/// tracks are asked for when someone here wants them.
class RemoteBroadcast final : private BroadcastSource {
 public:
  /// `wire_path`: what the peer calls it.
  RemoteBroadcast(Session& session, Origin& origin, std::string wire_path);
  ~RemoteBroadcast() override;

  /// Puts it into the origin, or changes the route if it is there.
  Result<void> publish(Origin& origin, const Path& path, const Route& route);
  /// The peer has withdrawn it: nobody finds it any more, and what is running
  /// goes on until it ends by itself, since the withdrawal may have overtaken
  /// the last groups. `done` is called from the loop when nothing runs.
  void withdraw(std::function<void()> done);
  /// The publisher: the first hop of the route, 0 if unknown.
  [[nodiscard]] HopId publisher() const { return publisher_; }
  /// The peer is going away: the route loses to any other.
  void set_draining();

 private:
  void on_track(Broadcast& broadcast, const std::shared_ptr<Track>& track) override;
  void check_idle();

  Session& session_;
  std::string wire_path_;
  std::shared_ptr<Broadcast> broadcast_;
  std::unique_ptr<Origin::Publication> publication_;
  Route route_;
  HopId publisher_ = 0;
  std::map<const Track*, std::unique_ptr<RemoteTrack>> tracks_;
  std::vector<std::unique_ptr<RemoteTrack>> dead_;
  std::function<void()> done_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::lite
