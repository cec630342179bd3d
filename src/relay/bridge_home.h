#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/model/broadcast.h"
#include "net/model/track.h"
#include "relay/bridge.h"

namespace moq::relay::bridge {

/// A track that another worker reads: the subscription here, and how much of
/// each group the other one has been told.
class HomeTrack final : private TrackReader {
 public:
  HomeTrack(Bridge& bridge, std::size_t reader, const Opened& opened);
  HomeTrack(const HomeTrack&) = delete;
  HomeTrack& operator=(const HomeTrack&) = delete;
  ~HomeTrack();

  [[nodiscard]] std::size_t reader() const { return reader_; }
  [[nodiscard]] CrossingId crossing() const { return crossing_; }

  /// Asks for the track's properties, which the reader waits for.
  void open();
  void demand(const Demanded& demanded);
  void fetch(std::uint64_t sequence);
  /// Tells what has happened since the last time. The end of a tick.
  void tell_progress();

 private:
  class Crossing;

  void on_info(const TrackInfo& info) override;
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram& datagram) override;
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) override;
  void on_end(std::uint64_t end) override;
  void on_abort(const Error& error) override;

  /// The track, made anew if it is gone; null after an abort was sent.
  std::shared_ptr<Track> track();
  void cross(std::shared_ptr<Group> group, bool fetched);
  void abort(const Error& error);
  void mark();

  Bridge& bridge_;
  std::size_t reader_;
  CrossingId crossing_;
  BroadcastId broadcast_;
  std::string name_;
  std::weak_ptr<Track> track_;
  std::unique_ptr<Subscription> subscription_;
  std::uint64_t epoch_ = 0;
  /// The end that was asked for was reached: another one needs a new subscription.
  bool reached_end_ = false;
  bool marked_ = false;
  bool over_ = false;  ///< the reader was told that the track is gone
  std::unordered_map<GroupId, std::unique_ptr<Crossing>> groups_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::relay::bridge
