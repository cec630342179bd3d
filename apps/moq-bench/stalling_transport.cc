#include "moq-bench/stalling_transport.h"

#include <utility>

namespace moq::bench {

StallingTransport::StallingTransport(std::shared_ptr<transport::Session> inner)
    : inner_(std::move(inner)) {}

StallingTransport::~StallingTransport() { inner_->set_handler(nullptr); }

void StallingTransport::set_handler(transport::SessionHandler* handler) {
  handler_ = handler;
  inner_->set_handler(handler == nullptr ? nullptr : this);
}

void StallingTransport::on_uni(std::shared_ptr<transport::RecvStream> stream) {
  if (stalled_) {
    held_.push_back(std::move(stream));
  } else if (handler_ != nullptr) {
    handler_->on_uni(std::move(stream));
  }
}

void StallingTransport::on_bidi(transport::Stream stream) {
  if (handler_ != nullptr) handler_->on_bidi(std::move(stream));
}

void StallingTransport::on_datagram(Bytes datagram) {
  if (handler_ != nullptr && !stalled_) handler_->on_datagram(std::move(datagram));
}

void StallingTransport::on_going_away() {
  if (handler_ != nullptr) handler_->on_going_away();
}

void StallingTransport::on_closed(const Error& error, bool by_peer) {
  held_.clear();
  if (handler_ != nullptr) handler_->on_closed(error, by_peer);
}

}  // namespace moq::bench
