#include "net/lite/incoming.h"

#include <utility>

#include "net/lite/session.h"

namespace moq::lite {

IncomingStream::IncomingStream(Session& session, transport::Stream stream)
    : Task(session), stream_(std::move(stream)) {
  stream_.recv->set_handler(this);
}

IncomingStream::~IncomingStream() {
  if (!done_ && stream_.recv != nullptr) stream_.recv->set_handler(nullptr);
}

void IncomingStream::on_data(Bytes data, bool fin) {
  if (done_) return;
  fin_ = fin;
  held_ += data.size();
  reader_.feed(std::move(data), fin);
  if (const auto read = read_header(); !read) return session().fail(read.error());
  if (done_) return;
  if (message_ && session().may_accept(stream_, *type_)) return hand_over();
  if (fin && !message_) return drop(static_cast<std::uint64_t>(StreamError::cancelled));
  if (held_ > kMaxHeld) return drop(static_cast<std::uint64_t>(StreamError::too_far_behind));
  if (!timer_) {
    timer_.emplace(session().loop(),
                   [this] { drop(static_cast<std::uint64_t>(StreamError::delivery_timeout)); });
    timer_->arm(later(session().loop().now(), session().limits().header_timeout));
  }
}

Result<void> IncomingStream::read_header() {
  if (!type_) {
    MOQ_TRY(type_, reader_.next_varint());
    if (!type_) return {};
    if (!session().knows(stream_, *type_)) {
      drop(static_cast<std::uint64_t>(StreamError::unsupported));
      return {};
    }
  }
  if (!message_) {
    MOQ_TRY(message_, reader_.next_message());
  }
  return {};
}

void IncomingStream::authorized() {
  if (!done_ && message_) hand_over();
}

void IncomingStream::hand_over() {
  done_ = true;
  timer_.reset();
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
