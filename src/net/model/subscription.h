#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <boost/intrusive/list.hpp>

#include "net/model/sequence_set.h"
#include "net/model/track_info.h"

namespace moq {

/// A running subscription: ends when destroyed. Keeps its track alive.
class Subscription : public boost::intrusive::list_base_hook<
                         boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  /// Changes what is wanted. Groups that a lower start newly covers are
  /// delivered, on the loop's next turn, if they are cached. A higher start
  /// takes effect at once; no start leaves it where it is. An end beyond one
  /// that on_end told of changes nothing.
  void update(const SubscribeOptions& options);
  [[nodiscard]] const SubscribeOptions& options() const { return options_; }
  [[nodiscard]] Track& track() const { return *track_; }
  /// The first group, once it is resolved: the latest when the subscription began;
  /// or the explicit start, without groups that a track with no source no longer
  /// has. Of a source that is asked only now, the first that arrives; what this one
  /// has overtaken is delivered too.
  [[nodiscard]] std::optional<std::uint64_t> start() const { return start_; }

 private:
  friend class Track;
  Subscription(std::shared_ptr<Track> track, const SubscribeOptions& options, TrackReader& reader);
  /// Whether the range asked for allows `sequence`, as far as it is known.
  [[nodiscard]] bool covers(std::uint64_t sequence) const;

  std::shared_ptr<Track> track_;
  SubscribeOptions options_;
  TrackReader& reader_;
  std::optional<std::uint64_t> start_;
  /// What a source sends may overtake: the lowest group that can be of this demand.
  std::optional<std::uint64_t> floor_;
  SequenceSet delivered_;
  std::optional<std::uint64_t> told_end_;
  bool due_ = true;       ///< to be caught up with the track's state by a posted task
  bool started_ = false;  ///< has been caught up once
  bool told_info_ = false;
  bool told_abort_ = false;
};

}  // namespace moq
