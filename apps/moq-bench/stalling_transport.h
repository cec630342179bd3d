#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/transport/transport.h"

namespace moq::bench {

/// A transport whose user stops reading when it is told to: streams that the peer
/// opens from then on are kept as they are, and the peer gets no credit for what
/// it sends on them, nor for further streams. What had begun is read to its end.
/// Packets are still received and acknowledged: it is the application that is
/// slow, not the path.
class StallingTransport final : public transport::Session, private transport::SessionHandler {
 public:
  explicit StallingTransport(std::shared_ptr<transport::Session> inner);
  ~StallingTransport() override;
  StallingTransport(const StallingTransport&) = delete;
  StallingTransport& operator=(const StallingTransport&) = delete;

  void stall() { stalled_ = true; }
  /// Streams that nobody reads: as many as the transport lets the peer open.
  [[nodiscard]] std::size_t held() const { return held_.size(); }

  void set_handler(transport::SessionHandler* handler) override;
  [[nodiscard]] transport::Traits traits() const override { return inner_->traits(); }
  std::shared_ptr<transport::SendStream> open_uni(const transport::Priority& priority,
                                                  std::unique_ptr<transport::SendSource> source,
                                                  transport::SendHandler* handler) override {
    return inner_->open_uni(priority, std::move(source), handler);
  }
  transport::Stream open_bidi(const transport::Priority& priority,
                              std::unique_ptr<transport::SendSource> source,
                              transport::SendHandler* send_handler,
                              transport::RecvHandler* recv_handler) override {
    return inner_->open_bidi(priority, std::move(source), send_handler, recv_handler);
  }
  void attach(transport::SendStream& stream, const transport::Priority& priority,
              std::unique_ptr<transport::SendSource> source,
              transport::SendHandler* handler) override {
    inner_->attach(stream, priority, std::move(source), handler);
  }
  bool send_datagram(Bytes datagram) override { return inner_->send_datagram(std::move(datagram)); }
  [[nodiscard]] std::size_t max_datagram_size() const override {
    return inner_->max_datagram_size();
  }
  void going_away() override { inner_->going_away(); }
  void close(std::uint64_t code, std::string_view reason) override { inner_->close(code, reason); }
  void probe_peer() override { inner_->probe_peer(); }
  [[nodiscard]] transport::PathStats path_stats() const override { return inner_->path_stats(); }
  [[nodiscard]] std::string_view protocol() const override { return inner_->protocol(); }
  [[nodiscard]] std::string peer_address() const override { return inner_->peer_address(); }
  [[nodiscard]] std::uint64_t id() const override { return inner_->id(); }

 private:
  void on_uni(std::shared_ptr<transport::RecvStream> stream) override;
  void on_bidi(transport::Stream stream) override;
  void on_datagram(Bytes datagram) override;
  void on_going_away() override;
  void on_closed(const Error& error, bool by_peer) override;

  std::shared_ptr<transport::Session> inner_;
  transport::SessionHandler* handler_ = nullptr;
  bool stalled_ = false;
  std::vector<std::shared_ptr<transport::RecvStream>> held_;
};

}  // namespace moq::bench
