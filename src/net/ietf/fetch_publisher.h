#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "net/base/loop.h"
#include "net/ietf/fetch_object.h"
#include "net/ietf/fetch_sender.h"
#include "net/ietf/request.h"
#include "net/model/track.h"

namespace moq::ietf {

/// Serves one FETCH of the peer's: the objects of a range on a stream of their own, from
/// the cache, and from upstream what is not there.
class FetchPublisher final : public Request, private transport::SendHandler {
 public:
  using First = Fetch;

  FetchPublisher(Session& session, Arrival arrival, Fetch message);
  ~FetchPublisher() override;

  void begin();

 private:
  /// What tells of a group that more of it has come.
  class Watch;

  Result<void> received(MessageKind kind, ByteSpan body) override;
  void on_fin() override {}
  void gone(StreamError code) override;
  void on_send_finished() override;
  void on_send_stopped(std::uint64_t code) override;

  /// What is to be served is known: of `track`, from `start` on, to `end` (as in
  /// FetchRange).
  void serve(std::shared_ptr<Track> track, Location start, Location end);
  /// Joins the subscription of that id, once it is answered.
  void join();
  void on_info(const Result<TrackInfo>& info);
  void answer();
  void open_stream();
  [[nodiscard]] transport::Priority priority() const;

  /// Adds objects until there are enough, and asks for what is not there.
  void step();
  /// Asks for the group at hand.
  void ask();
  void post_step();
  /// Adds what there is of the group at hand. Whether it is done with.
  bool add_objects();
  bool add_object(const Subgroup& subgroup, const Object& object);
  /// Says that nobody knows of what is behind the last object that was added, up to `last`.
  /// False: the draft cannot, and the fetch has ended.
  bool add_unknown(Location last);
  /// The same of the groups from the one at hand on that are not cached. False: there was no
  /// other, or the fetch has ended.
  bool skip_missing();

  /// Waits for what is not there, until the next step: no longer than kPatience, and than
  /// FILL_TIMEOUT together with all waits before.
  void wait();
  void end_wait();
  /// Goes on without what is waited for.
  void lose_patience();
  /// FILL_TIMEOUT is used up: nothing more is waited for.
  [[nodiscard]] bool late() const { return budget_ == Duration::zero(); }
  /// Goes on to the next group. False: that was the last.
  bool next_group();
  /// The last object of the range in the group at hand.
  [[nodiscard]] std::uint64_t last_object() const;
  void ended();

  Fetch message_;
  std::shared_ptr<Track> track_;
  Location start_;
  Location end_;  ///< its last object inclusive
  bool ends_track_ = false;
  bool answered_ = false;
  FetchWriter writer_;
  bool descending_;
  FetchSender* sender_ = nullptr;  ///< its stream's
  std::shared_ptr<transport::SendStream> stream_;
  std::uint64_t group_id_ = 0;
  std::uint64_t next_object_ = 0;
  std::size_t misses_ = 0;  ///< groups in a row that are nowhere
  std::unique_ptr<Watch> watch_;
  bool asking_ = false;
  std::uint64_t asked_ = 0;  ///< groups that were asked for
  bool posted_ = false;
  bool ended_ = false;
  bool torn_ = false;     ///< and that by a reset
  bool gave_up_ = false;  ///< nothing more is waited for in this step
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::optional<Duration> budget_;  ///< what is left of FILL_TIMEOUT
  std::optional<Time> waits_since_;
  Timer patience_;
};

}  // namespace moq::ietf
