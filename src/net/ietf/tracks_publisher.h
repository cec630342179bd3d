#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/ietf/request.h"
#include "net/model/origin.h"

namespace moq::ietf {

/// Tells the peer of the tracks below a prefix that have been published, by a PUBLISH each.
class TrackAnnouncer final : public Task, private AnnounceReader {
 public:
  explicit TrackAnnouncer(Session& session);
  ~TrackAnnouncer() override;
  /// Tells of those below `prefix`, in the origin's terms, from now on. `forward`: whether
  /// objects follow without more ado. What was told before goes on.
  void start(const Path& prefix, bool forward);

 private:
  /// A broadcast whose tracks are told.
  struct Told {
    std::weak_ptr<Broadcast> broadcast;
    /// The id of each track's PUBLISH, which may have ended; none before it is made.
    std::map<std::string, std::optional<std::uint64_t>> tracks;
  };

  [[nodiscard]] bool of_media() const override { return false; }
  void on_announcements(const std::vector<Announcement>& changes) override;
  void tell(const Path& path, const std::string& name);
  void publish(const Path& path, const std::string& name, const std::shared_ptr<Track>& track);

  bool forward_ = true;
  std::unique_ptr<Origin::Watch> watch_;
  std::map<Path, Told> told_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

/// SUBSCRIBE_TRACKS of the peer's.
class TracksPublisher final : public Request {
 public:
  using First = SubscribeTracks;
  TracksPublisher(Session& session, Arrival arrival, SubscribeTracks message);
  ~TracksPublisher() override;
  void begin();
  [[nodiscard]] const TrackNamespace& prefix() const { return message_.prefix; }

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  Result<void> received(MessageKind kind, ByteSpan body) override;
  void on_fin() override;
  void gone(StreamError code) override;
  Result<void> received_update(ByteSpan body);
  void watch(const Path& prefix);

  SubscribeTracks message_;
  std::unique_ptr<TrackAnnouncer> announcer_;
};

}  // namespace moq::ietf
