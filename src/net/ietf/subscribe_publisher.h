#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "net/base/loop.h"
#include "net/ietf/request.h"
#include "net/ietf/subgroup_sender.h"
#include "net/model/subscription.h"
#include "net/model/track.h"

namespace moq::ietf {

/// Serves one SUBSCRIBE of the peer's: a stream for each subgroup.
class SubscribePublisher final : public Request, private TrackReader {
 public:
  using First = Subscribe;

  SubscribePublisher(Session& session, Arrival arrival, Subscribe message);
  ~SubscribePublisher() override;

  void begin();

  // --- For a fetch that joins it.

  using Answered = std::function<void(SubscribePublisher&)>;
  /// Calls `then` with this once it is answered: at once, or never if it ends before.
  void when_answered(Answered then);
  [[nodiscard]] const FullTrackName& name() const { return message_.track; }
  [[nodiscard]] const Filter& filter() const { return message_.filter; }
  [[nodiscard]] bool forwards() const { return message_.forward; }
  [[nodiscard]] const std::shared_ptr<Track>& shared_track() const { return delivery_->track; }
  /// The largest object when it was answered.
  [[nodiscard]] const std::optional<Location>& largest() const { return largest_; }

 private:
  /// A group, whose subgroups come one after the other.
  class Following;
  /// One subgroup on its way.
  struct Sending final : transport::SendHandler {
    Sending(SubscribePublisher& o, std::uint64_t g, std::uint64_t s)
        : owner(o), group_id(g), subgroup(s) {}
    void on_send_finished() override { owner.sent(*this); }
    void on_send_stopped(std::uint64_t /*code*/) override { owner.sent(*this); }

    SubscribePublisher& owner;
    std::uint64_t group_id;
    std::uint64_t subgroup;
    std::shared_ptr<transport::SendStream> stream;
    std::weak_ptr<Group> group;
  };
  using Key = std::pair<std::uint64_t, std::uint64_t>;

  Result<void> received(MessageKind kind, ByteSpan body) override;
  void on_fin() override {}
  void gone(StreamError code) override;

  void on_info(const TrackInfo& info) override;
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram& datagram) override;
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) override;
  void on_end(std::uint64_t end) override;
  void on_abort(const Error& error) override;

  Result<void> received_update(ByteSpan body);
  /// Whether `filter` asks for what was not asked for before.
  [[nodiscard]] bool widens(const Filter& filter) const;
  void answer();
  /// Where a subscription to what is behind the largest object begins.
  void set_joining_location();
  /// Opens streams for subgroups that have none yet.
  void look_at(Following& following);
  void open_stream(const std::shared_ptr<Group>& group, Subgroup& objects);
  [[nodiscard]] transport::Priority priority(std::uint64_t group) const;
  [[nodiscard]] Duration delivery_latency(const Track& track) const;
  /// Resets what is too old, or too much.
  void sweep();
  void give_up(Key key, StreamError code);
  void sent(Sending& sending);
  void stop_all();
  void maybe_finish();
  void done(PublishDoneCode status, const std::string& reason);

  Subscribe message_;
  SubscribeOptions options_;
  Location first_;  ///< the first object that it may have
  TrackInfo info_;
  std::shared_ptr<Delivery> delivery_;
  std::unique_ptr<Subscription> subscription_;
  std::map<std::uint64_t, std::unique_ptr<Following>> following_;
  std::map<Key, std::unique_ptr<Sending>> sending_;
  std::uint64_t streams_ = 0;  ///< that were opened
  bool answered_ = false;
  std::optional<Location> largest_;
  std::vector<Answered> waiting_;
  bool ended_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::ietf
