#include "moq-interop-client/pipe.h"

#include <utility>

namespace moq::interop {

std::unique_ptr<transport::SendSource> Pipe::source() {
  queue_ = std::make_shared<transport::SendQueue>();
  return std::make_unique<transport::QueueSource>(queue_);
}

std::unique_ptr<Pipe> Pipe::open_uni(transport::Session& session, Events events) {
  std::unique_ptr<Pipe> pipe(new Pipe(std::move(events)));
  pipe->stream_.send = session.open_uni({}, pipe->source(), pipe.get());
  return pipe;
}

std::unique_ptr<Pipe> Pipe::open_bidi(transport::Session& session, Events events) {
  std::unique_ptr<Pipe> pipe(new Pipe(std::move(events)));
  pipe->stream_ = session.open_bidi({}, pipe->source(), pipe.get(), pipe.get());
  return pipe;
}

std::unique_ptr<Pipe> Pipe::adopt(transport::Session& session, transport::Stream stream,
                                  Events events) {
  std::unique_ptr<Pipe> pipe(new Pipe(std::move(events)));
  pipe->stream_ = std::move(stream);
  if (pipe->stream_.send != nullptr) {
    session.attach(*pipe->stream_.send, {}, pipe->source(), pipe.get());
  }
  pipe->stream_.recv->set_handler(pipe.get());
  return pipe;
}

std::unique_ptr<Pipe> Pipe::adopt(transport::RunningStream stream, Events events) {
  std::unique_ptr<Pipe> pipe(new Pipe(std::move(events)));
  pipe->stream_ = std::move(stream.stream);
  pipe->queue_ = std::move(stream.queue);
  pipe->stream_.send->set_handler(pipe.get());
  pipe->stream_.recv->set_handler(pipe.get());
  return pipe;
}

Pipe::~Pipe() {
  if (stream_.send != nullptr) stream_.send->set_handler(nullptr);
  if (stream_.recv != nullptr) stream_.recv->set_handler(nullptr);
}

void Pipe::write(ByteSpan bytes) {
  if (queue_ == nullptr || bytes.empty()) return;
  queue_->push(Bytes::copy_of(bytes));
  stream_.send->ready();
}

void Pipe::finish() {
  if (queue_ == nullptr) return;
  queue_->finish();
  stream_.send->ready();
}

void Pipe::cancel(std::uint64_t code) {
  if (stream_.send != nullptr) stream_.send->reset(code);
  if (stream_.recv != nullptr) stream_.recv->stop(code);
}

void Pipe::on_data(Bytes data, bool fin) {
  // A copy: the call may set others.
  if (const auto told = events_.data) told(std::move(data), fin);
}

void Pipe::on_reset(std::uint64_t /*code*/) { gone(); }
void Pipe::on_send_stopped(std::uint64_t /*code*/) { gone(); }

void Pipe::gone() {
  // Both directions may go, one after the other.
  if (const auto told = std::exchange(events_.gone, nullptr)) told();
}

}  // namespace moq::interop
