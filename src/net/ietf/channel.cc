#include "net/ietf/channel.h"

#include <utility>

#include "net/base/log.h"
#include "net/ietf/session.h"

namespace moq::ietf {

StreamChannel::StreamChannel(Session& session, ChannelHandler& handler,
                             const std::vector<std::uint8_t>& first)
    : session_(session),
      handler_(handler),
      queue_(std::make_shared<transport::SendQueue>()),
      reader_(session.traits().integers) {
  queue_->push(Bytes::copy_of(first));
  stream_ = session.transport().open_bidi({}, std::make_unique<transport::QueueSource>(queue_),
                                          this, this);
}

StreamChannel::StreamChannel(Session& session, ChannelHandler& handler, transport::Stream stream,
                             MessageReader reader, bool fin)
    : session_(session),
      handler_(handler),
      stream_(std::move(stream)),
      queue_(std::make_shared<transport::SendQueue>(session.backlog_counter())),
      reader_(std::move(reader)),
      answers_(true),
      fin_(fin) {
  session.transport().attach(*stream_.send, {}, std::make_unique<transport::QueueSource>(queue_),
                             this);
  stream_.recv->set_handler(this);
}

StreamChannel::~StreamChannel() {
  session_.release_held(held_);
  if (stream_.send != nullptr) stream_.send->set_handler(nullptr);
  stream_.recv->set_handler(nullptr);
}

void StreamChannel::resume() {
  const auto hold = session_.hold();
  handle();
}

void StreamChannel::send(const std::vector<std::uint8_t>& message) {
  if (queue_ == nullptr || over_) return;
  queue_->push(Bytes::copy_of(message));
  stream_.send->ready();
  if (!answers_ || *session_.backlog_counter() <= session_.limits().max_backlog) return;
  log::debug("{}: reads no answers: {} bytes are waiting", session_.name(),
             *session_.backlog_counter());
  // Not from inside of who sends.
  session_.loop().post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) on_reset(static_cast<std::uint64_t>(StreamError::too_far_behind));
  });
}

void StreamChannel::finish() {
  if (std::exchange(over_, true)) return;
  if (queue_ != nullptr) {
    queue_->finish();
    stream_.send->ready();
    session_.linger(std::exchange(stream_.send, nullptr));
  }
  if (!fin_) stream_.recv->stop(wire_code(session_.version(), StreamError::cancelled));
}

void StreamChannel::cancel(StreamError code) {
  if (std::exchange(over_, true)) return;
  const std::uint64_t wire = wire_code(session_.version(), code);
  stream_.send->reset(wire);
  queue_ = nullptr;
  if (!fin_) stream_.recv->stop(wire);
}

void StreamChannel::on_data(Bytes data, bool fin) {
  if (over_) return;
  const auto hold = session_.hold();
  fin_ = fin;
  reader_.feed(std::move(data), fin);
  handle();
}

void StreamChannel::handle() {
  const std::weak_ptr<int> alive = alive_;
  while (!alive.expired() && !over_) {
    const auto message = reader_.next();
    if (!message) return session_.fail(message.error());
    if (!*message) break;
    if (const auto handled = handler_.on_message(**message); !handled) {
      return session_.fail(handled.error());
    }
  }
  if (alive.expired() || over_) return;
  count_held();
  if (over_ || !fin_ || std::exchange(told_fin_, true)) return;
  handler_.on_fin();
}

void StreamChannel::count_held() {
  if (!answers_) return;
  session_.release_held(std::exchange(held_, 0));
  if (!session_.claim_held(reader_.held())) {
    return on_reset(wire_code(session_.version(), StreamError::too_far_behind));
  }
  held_ = reader_.held();
}

void StreamChannel::on_reset(std::uint64_t code) {
  if (over_) return;
  const auto hold = session_.hold();
  handler_.on_cancel(stream_error(session_.version(), code));
}

void StreamChannel::on_send_stopped(std::uint64_t code) {
  queue_ = nullptr;
  // Who has answered a request for good reads no more of it: the answer is what counts.
  if (answers_ || stop_ends_) on_reset(code);
}

void SharedChannel::send(const std::vector<std::uint8_t>& message) {
  session_.send_control(message);
}

}  // namespace moq::ietf
