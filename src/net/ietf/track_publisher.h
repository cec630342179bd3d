#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/base/loop.h"
#include "net/ietf/request.h"
#include "net/ietf/subgroup_deadline.h"
#include "net/ietf/subgroup_sender.h"
#include "net/model/subscription.h"
#include "net/model/track.h"

namespace moq::ietf {

/// What a subscriber asks of a track.
struct SubscriberTerms {
  std::uint8_t priority = kDefaultPriority;  ///< as on the wire
  GroupOrder group_order = GroupOrder::publisher;
  Filter filter = {};
  bool forward = true;
  /// Zero: none.
  std::optional<Duration> object_delivery_timeout = {};
  std::optional<Duration> subgroup_delivery_timeout = {};
};

/// A request that sends the peer a track: its SUBSCRIBE, or a PUBLISH of ours. Each subgroup
/// has a stream, whose alias is the request's id.
class TrackPublisher : public Request, private TrackReader {
 public:
  ~TrackPublisher() override;

  [[nodiscard]] const FullTrackName& name() const { return name_; }

  // --- For a fetch that joins it.

  using Answered = std::function<void(TrackPublisher&)>;
  /// Calls `then` with this once SUBSCRIBE_OK or PUBLISH is sent: at once, or never if it
  /// ends before.
  void when_answered(Answered then);
  /// The filter's that it began with.
  [[nodiscard]] FilterType filter_type() const { return filter_type_; }
  [[nodiscard]] bool forwards() const { return terms_.forward; }
  [[nodiscard]] const std::shared_ptr<Track>& shared_track() const { return delivery_->track; }
  /// The Joining Location: the largest object when it began to forward.
  [[nodiscard]] const std::optional<Location>& largest() const { return largest_; }
  [[nodiscard]] bool ordered() const { return options_.ordered; }

 protected:
  /// The peer's.
  TrackPublisher(Session& session, MessageKind kind, Arrival arrival, FullTrackName name);
  /// Ours.
  TrackPublisher(Session& session, MessageKind kind, FullTrackName name);

  void start(const std::shared_ptr<Track>& track, const SubscriberTerms& terms);
  /// Other terms than those that it began with.
  void change(const SubscriberTerms& terms);
  Result<void> received_update(ByteSpan body);
  /// Once all is sent and nothing more comes.
  void maybe_finish();
  /// Ends it by PUBLISH_DONE.
  void done(PublishDoneCode status, const std::string& reason);
  /// Sends nothing any more.
  void stop_all();
  [[nodiscard]] const TrackInfo& info() const { return info_; }
  [[nodiscard]] const SubscriberTerms& terms() const { return terms_; }

 private:
  /// Sends the message that gives the peer the alias: SUBSCRIBE_OK or PUBLISH.
  virtual void tell_alias() = 0;
  /// The track has failed before that: whether it waits for another instead of being refused.
  virtual bool waits_after(const Error& /*error*/) { return false; }

  /// A group, whose subgroups come one after the other.
  class Following;
  /// One subgroup on its way.
  struct Sending final : transport::SendHandler {
    Sending(TrackPublisher& o, std::uint64_t g, std::uint64_t s)
        : owner(o), group_id(g), subgroup(s) {}
    ~Sending() {
      if (source != nullptr) source->set_handle(nullptr);
    }
    void on_send_finished() override { owner.sent(*this); }
    void on_send_stopped(std::uint64_t /*code*/) override { owner.sent(*this); }

    TrackPublisher& owner;
    std::uint64_t group_id;
    std::uint64_t subgroup;
    std::shared_ptr<transport::SendStream> stream;
    ObjectSender* source = nullptr;  ///< the stream's, until that lets go of it
    std::weak_ptr<Group> group;
    std::optional<std::uint8_t> priority;  ///< the subgroup's own
    std::unique_ptr<SubgroupDeadline> deadline;
  };
  using Key = std::pair<std::uint64_t, std::uint64_t>;

  void on_fin() override {}
  void gone(StreamError code) override;

  void on_info(const TrackInfo& info) override;
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram& datagram) override;
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) override;
  void on_end(std::uint64_t end) override;
  void on_abort(const Error& error) override;

  /// Whether `filter` asks for what was not asked for before.
  [[nodiscard]] bool widens(const Filter& filter) const;
  void set_range(const Filter& filter);
  void forward_again();
  void set_timeouts();
  /// Where a subscription to what is behind the largest object begins.
  void set_joining_location();
  /// Opens streams for subgroups that have none yet.
  void look_at(Following& following);
  void open_stream(const std::shared_ptr<Group>& group, Subgroup& objects);
  [[nodiscard]] transport::Priority priority(std::uint64_t group,
                                             std::optional<std::uint8_t> publisher) const;
  void set_deadline(Sending& sending);
  /// Resets what is too old, or too much.
  void sweep();
  void give_up(Key key, StreamError code);
  /// Resets the streams that would lack something from here on.
  void stop_forwarding();
  void sent(Sending& sending);

  FullTrackName name_;
  SubscriberTerms terms_;
  SubscribeOptions options_;
  FilterType filter_type_ = FilterType::absolute_start;
  Location first_;  ///< the first object that it may have
  Location told_;   ///< the same, when the peer was told of the largest
  TrackInfo info_;
  std::shared_ptr<Delivery> delivery_;
  std::unique_ptr<Subscription> subscription_;
  std::map<std::uint64_t, std::unique_ptr<Following>> following_;
  std::map<Key, std::unique_ptr<Sending>> sending_;
  std::optional<Duration> subgroup_timeout_;
  std::uint64_t streams_ = 0;  ///< that were opened
  bool answered_ = false;
  std::optional<Location> largest_;
  std::vector<Answered> waiting_;
  bool ended_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::ietf
