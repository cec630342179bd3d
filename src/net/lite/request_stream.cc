#include "net/lite/request_stream.h"

#include <utility>

#include "net/lite/error.h"
#include "net/lite/session.h"

namespace moq::lite {

RequestStream::RequestStream(Session& session, BidiType type, const transport::Priority& priority)
    : Task(session), queue_(std::make_shared<transport::SendQueue>()) {
  std::vector<std::uint8_t> bytes;
  append_type(bytes, type);
  queue_->push(Bytes::copy_of(bytes));
  stream_ = session.transport().open_bidi(
      priority, std::make_unique<transport::QueueSource>(queue_), this, this);
}

RequestStream::RequestStream(Session& session, transport::Stream stream, MessageReader reader)
    : Task(session),
      stream_(std::move(stream)),
      queue_(std::make_shared<transport::SendQueue>(session.backlog_counter())),
      reader_(std::move(reader)),
      answers_(true) {
  reader_.set_max_message(kMaxLaterMessage);
  session.transport().attach(*stream_.send, {}, std::make_unique<transport::QueueSource>(queue_),
                             this);
  stream_.recv->set_handler(this);
}

RequestStream::RequestStream(Session& session, transport::RunningStream stream)
    : Task(session),
      stream_(std::move(stream.stream)),
      queue_(std::move(stream.queue)),
      fin_waiting_(stream.fin) {
  reader_.set_max_message(kMaxLaterMessage);
  reader_.feed(std::move(stream.received), stream.fin);
  stream_.send->set_handler(this);
  stream_.recv->set_handler(this);
}

RequestStream::~RequestStream() {
  stream_.send->set_handler(nullptr);
  stream_.recv->set_handler(nullptr);
}

void RequestStream::start(const Bytes& first, bool fin) {
  const auto hold = session().hold();
  if (const auto begun = begin(first); !begun) return refuse(begun.error());
  received(fin);
}

void RequestStream::resume() {
  const auto hold = session().hold();
  received(fin_waiting_);
}

Result<bool> RequestStream::parse(MessageReader& reader) {
  MOQ_TRY(const auto message, reader.next_message());
  if (!message) return false;
  return fail(SessionError::protocol_violation, "a message where none may follow");
}

void RequestStream::send_bytes(std::vector<std::uint8_t> bytes) {
  if (queue_ == nullptr || finished_) return;
  queue_->push(Bytes::copy_of(bytes));
  stream_.send->ready();
  if (answers_ && *session().backlog_counter() > session().limits().max_backlog) {
    log::debug("{}: reads no answers: {} bytes are waiting", session().name(),
               *session().backlog_counter());
    reset(static_cast<std::uint64_t>(StreamError::too_far_behind));
  }
}

void RequestStream::finish() {
  if (std::exchange(finished_, true) || retired_) return;
  if (queue_ == nullptr) return retire();
  queue_->finish();
  stream_.send->ready();
}

void RequestStream::reset(std::uint64_t code) {
  if (retired_) return;
  stream_.send->reset(code);
  queue_ = nullptr;
  stream_.recv->stop(code);
  retire();
}

void RequestStream::on_data(Bytes data, bool fin) {
  if (retired_) return;
  const auto hold = session().hold();
  if (!finished_) reader_.feed(std::move(data), fin);
  received(fin);
}

void RequestStream::received(bool fin) {
  if (!parse_all() || !fin) return;
  fin_received_ = true;
  if (!finished_) on_fin();
}

bool RequestStream::parse_all() {
  while (!retired_ && !finished_) {
    const auto parsed = parse(reader_);
    if (!parsed) {
      refuse(parsed.error());
      return false;
    }
    if (!*parsed) break;
  }
  return !retired_;
}

void RequestStream::refuse(const Error& error) {
  if (&error.domain() == &error_domain(StreamError::internal)) {
    log::debug("{}: request refused: {}", session().name(), error.message());
    reset(error.code());
    return;
  }
  session().fail(error);
}

void RequestStream::on_reset(std::uint64_t code) {
  if (retired_) return;
  const auto hold = session().hold();
  on_cancel(code);
  reset(code);
}

void RequestStream::on_send_finished() {
  queue_ = nullptr;
  if (retired_) return;
  if (!fin_received_) stream_.recv->stop(static_cast<std::uint64_t>(StreamError::cancelled));
  retire();
}

void RequestStream::on_send_stopped(std::uint64_t code) {
  queue_ = nullptr;
  if (retired_) return;
  const auto hold = session().hold();
  if (!finished_) on_cancel(code);
  reset(code);
}

void RequestStream::retire() {
  if (std::exchange(retired_, true)) return;
  session().retire(*this);
}

}  // namespace moq::lite
