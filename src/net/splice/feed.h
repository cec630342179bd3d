#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "net/model/broadcast.h"
#include "net/model/track.h"
#include "net/splice/group_merge.h"

namespace moq {

class SpliceLeg;
class SplicedTrack;

/// What one session contributes to a spliced track: a subscription to the session's own
/// track, whose groups are merged into the readers'.
class Feed final : public std::enable_shared_from_this<Feed>, private TrackReader {
 public:
  using Merges = std::map<std::uint64_t, std::unique_ptr<GroupMerge>>;

  struct Place {
    /// The session, and its broadcast.
    const SpliceLeg* leg = nullptr;
    std::shared_ptr<Broadcast> broadcast;
    /// The group that the subscription is to begin with, whatever the readers ask for;
    /// none: where they do.
    std::optional<std::uint64_t> resume;
    /// Whether readers have had groups from another session.
    bool joins = false;
  };

  Feed(SplicedTrack& track, std::shared_ptr<Track> inner, Place place);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// Subscribes. Once.
  void start(const SubscribeOptions& wanted);
  void update(const SubscribeOptions& wanted);
  /// Delivers nothing any more, and lets go of everything.
  void stop();
  /// Its session is gone: what is open of it will not go on.
  void lose() { place_.leg = nullptr; }

  /// Null once its session is gone.
  [[nodiscard]] const SpliceLeg* leg() const { return place_.leg; }
  [[nodiscard]] const Broadcast* broadcast() const { return place_.broadcast.get(); }
  /// The first group that it will deliver, once it is known.
  [[nodiscard]] const std::optional<std::uint64_t>& first() const { return first_; }
  /// The highest group that it has begun to deliver; 0 before any.
  [[nodiscard]] std::uint64_t latest() const { return latest_; }
  /// Whether it has caught up with all that readers have of some group, or has
  /// delivered one to the end.
  [[nodiscard]] bool proven() const { return proven_; }
  /// Why it delivers nothing more.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  /// The exclusive end of the track, once the session has told it.
  [[nodiscard]] const std::optional<std::uint64_t>& end() const { return end_; }
  /// Whether all that it will deliver is there.
  [[nodiscard]] bool ended() const { return end_ && merges_.empty(); }
  [[nodiscard]] bool joins() const { return place_.joins; }
  /// Whether it was asked for what is missing, by the numbers of the session before.
  [[nodiscard]] bool resumes() const { return place_.resume.has_value(); }
  [[nodiscard]] bool feeds(std::uint64_t sequence) const { return merges_.contains(sequence); }
  /// Notes that the session has said that it will not deliver a group that readers have.
  void has_not(std::uint64_t sequence) { lacking_.insert(sequence); }
  [[nodiscard]] bool lacks(std::uint64_t sequence) const { return lacking_.contains(sequence); }
  /// Whether the readers' options ask for more than this can deliver: it has
  /// reached the end that it was asked for, and another is wanted now.
  [[nodiscard]] bool outgrown(const SubscribeOptions& wanted) const;

  /// Merges what has come. Groups that are over are told to the track.
  void copy();

 private:
  void on_info(const TrackInfo& info) override;
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram& datagram) override;
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) override;
  void on_end(std::uint64_t end) override;
  void on_abort(const Error& error) override;

  [[nodiscard]] SubscribeOptions options(const SubscribeOptions& wanted) const;

  SplicedTrack* track_;  ///< null once stopped
  std::shared_ptr<Track> inner_;
  Place place_;
  std::optional<std::uint64_t> first_;
  std::uint64_t latest_ = 0;
  std::optional<std::uint64_t> end_;
  std::uint64_t timescale_ = 1;
  bool proven_ = false;
  bool reached_end_ = false;
  std::optional<Error> error_;
  Merges merges_;
  std::set<std::uint64_t> lacking_;  ///< of groups that were open with readers
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace moq
