#include "net/lite/incoming.h"

#include <utility>

#include "net/lite/session.h"

namespace moq::lite {

IncomingStream::IncomingStream(Session& session, transport::Stream stream)
    : Task(session), stream_(std::move(stream)), since_(session.loop().now()) {
  stream_.recv->set_handler(this);
}

IncomingStream::~IncomingStream() {
  if (!done_ && stream_.recv != nullptr) stream_.recv->set_handler(nullptr);
}

void IncomingStream::on_data(Bytes data, bool fin) {
  if (done_) return;
  const auto hold = session().hold();
  fin_ = fin;
  held_ += data.size();
  reader_.feed(std::move(data), fin);
  if (const auto read = read_header(); !read) return session().fail(read.error());
  if (done_) return;
  if (message_ && session().may_accept(stream_, *type_)) return hand_over();
  if (fin && !message_) return drop(static_cast<std::uint64_t>(StreamError::cancelled));
  if (held_ > kMaxHeld) return drop(static_cast<std::uint64_t>(StreamError::too_far_behind));
}

Result<void> IncomingStream::read_header() {
  if (!type_) {
    MOQ_TRY(type_, reader_.next_varint());
    if (!type_) return {};
    if (!session().knows(stream_, *type_)) {
      drop(static_cast<std::uint64_t>(StreamError::unsupported));
      return {};
    }
    const bool request = stream_.send != nullptr;
    if (request && static_cast<BidiType>(*type_) != BidiType::goaway &&
        session().too_many_requests()) {
      drop(static_cast<std::uint64_t>(StreamError::too_far_behind));
      return {};
    }
  }
  // Reference clients open a probe and wait: what they want, if they say so, may follow.
  const bool wordless = stream_.send != nullptr && static_cast<BidiType>(*type_) == BidiType::probe;
  if (!message_ && wordless) message_ = Bytes();
  if (!message_) {
    MOQ_TRY(message_, reader_.next_message());
  }
  return {};
}

void IncomingStream::authorized() {
  if (!done_ && message_) hand_over();
}

void IncomingStream::expire() { drop(static_cast<std::uint64_t>(StreamError::delivery_timeout)); }

void IncomingStream::hand_over() {
  done_ = true;
  stream_.recv->set_handler(nullptr);
  session().retire(*this);
  session().accept(std::move(stream_), *type_, *message_, std::move(reader_), fin_);
}

void IncomingStream::on_reset(std::uint64_t code) { drop(code); }

void IncomingStream::drop(std::uint64_t code) {
  if (std::exchange(done_, true)) return;
  stream_.recv->stop(code);
  if (stream_.send != nullptr) stream_.send->reset(code);
  session().retire(*this);
}

}  // namespace moq::lite
