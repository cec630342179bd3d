#include "net/ietf/control_stream.h"

#include <utility>

#include "net/ietf/session.h"

namespace moq::ietf {

ControlStream::ControlStream(Session& session, transport::RunningStream stream)
    : session_(session),
      stream_(std::move(stream.stream)),
      queue_(std::move(stream.queue)),
      reader_(session.traits().integers),
      fin_(stream.fin) {
  reader_.feed(std::move(stream.received), stream.fin);
  stream_.send->set_handler(this);
  stream_.recv->set_handler(this);
}

ControlStream::ControlStream(Session& session, const std::vector<std::uint8_t>& first)
    : session_(session),
      queue_(std::make_shared<transport::SendQueue>()),
      reader_(session.traits().integers) {
  queue_->push(Bytes::copy_of(first));
  stream_.send =
      session.transport().open_uni({.band = transport::Priority::Band::control},
                                   std::make_unique<transport::QueueSource>(queue_), this);
}

ControlStream::~ControlStream() {
  stream_.send->set_handler(nullptr);
  if (stream_.recv != nullptr) stream_.recv->set_handler(nullptr);
}

bool ControlStream::adopt(std::shared_ptr<transport::RecvStream> stream, std::uint64_t type) {
  if (stream_.recv != nullptr) return false;
  stream_.recv = std::move(stream);
  stream_.recv->set_handler(this);
  reader_.begin(type);
  return true;
}

void ControlStream::resume() { handle(); }

void ControlStream::send(const std::vector<std::uint8_t>& message) {
  queue_->push(Bytes::copy_of(message));
  stream_.send->ready();
  if (queue_->backlog() > session_.limits().max_backlog) {
    fail_later(SessionError::control_message_timeout, "the control stream is not read");
  }
}

void ControlStream::on_data(Bytes data, bool fin) {
  const auto hold = session_.hold();
  fin_ = fin;
  if (session_.holds_control() && (held_ += data.size()) > kMaxHeld) {
    return fail_later(SessionError::too_many_requests, "too much is asked for before an answer");
  }
  reader_.feed(std::move(data), fin);
  handle();
}

void ControlStream::handle() {
  while (session_.open() && !session_.holds_control()) {
    const auto message = reader_.next();
    if (!message) return session_.fail(message.error());
    if (!*message) break;
    if (const auto done = session_.received(**message); !done) return session_.fail(done.error());
  }
  if (fin_) ended();
}

void ControlStream::on_reset(std::uint64_t /*code*/) { ended(); }
void ControlStream::on_send_stopped(std::uint64_t /*code*/) { ended(); }

void ControlStream::ended() {
  // Streams hear of a closed connection before the session does: it may be that.
  fail_later(SessionError::protocol_violation, "the control stream has ended");
}

void ControlStream::fail_later(SessionError code, const char* reason) {
  if (std::exchange(failing_, true)) return;
  session_.loop().post([weak = session_.weak_from_this(), error = Error(code, reason)] {
    const auto self = weak.lock();
    if (self != nullptr && self->open()) self->fail(error);
  });
}

}  // namespace moq::ietf
