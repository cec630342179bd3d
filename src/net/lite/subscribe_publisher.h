#pragma once

#include <map>
#include <memory>
#include <optional>

#include "net/lite/error.h"
#include "net/lite/group_sender.h"
#include "net/lite/request_stream.h"
#include "net/model/broadcast.h"

namespace moq::lite {

/// Serves one SUBSCRIBE of the peer's: answers on its stream, and opens a stream
/// for each group.
class SubscribePublisher final : public RequestStream, private TrackReader {
 public:
  SubscribePublisher(Session& session, transport::Stream stream, MessageReader reader);
  ~SubscribePublisher() override;

 private:
  /// One group on its way.
  struct Sending final : transport::SendHandler {
    Sending(SubscribePublisher& o, std::uint64_t s) : owner(o), sequence(s) {}
    void on_send_finished() override { owner.sent(sequence); }
    void on_send_stopped(std::uint64_t /*code*/) override { owner.sent(sequence); }

    SubscribePublisher& owner;
    std::uint64_t sequence;
    std::shared_ptr<transport::SendStream> stream;
    std::weak_ptr<Group> group;
  };

  Result<void> begin(ByteSpan message) override;
  Result<bool> parse(MessageReader& reader) override;
  void on_fin() override;
  void on_cancel(std::uint64_t code) override;

  void on_info(const TrackInfo& info) override;
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram& datagram) override;
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) override;
  void on_end(std::uint64_t end) override;
  void on_abort(const Error& error) override;

  void update(const SubscribeUpdate& message);
  /// How long a group that is not the latest may be on its way.
  [[nodiscard]] Duration delivery_latency(const Track& track) const;
  [[nodiscard]] transport::Priority priority(std::uint64_t sequence) const;
  template <typename Message>
  void respond(const std::optional<std::uint64_t>& type, const Message& message);
  void tell_start(std::uint64_t sequence);
  /// Resets groups that are too old, or too many.
  void sweep();
  void give_up(std::map<std::uint64_t, std::unique_ptr<Sending>>::iterator it, std::uint64_t code);
  void sent(std::uint64_t sequence);
  void stop_all();
  /// Ends the stream once the track has ended and every group is accounted for.
  void maybe_finish();

  std::optional<std::uint64_t> id_;
  SubscribeOptions options_;
  TrackInfo track_info_;
  std::shared_ptr<Delivery> delivery_;
  std::unique_ptr<Subscription> subscription_;
  std::map<std::uint64_t, std::unique_ptr<Sending>> sending_;
  bool told_start_ = false;
  bool ended_ = false;
};

}  // namespace moq::lite
