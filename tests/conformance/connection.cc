#include "conformance/connection.h"

#include <span>
#include <utility>

#include "native/client/url.h"

namespace moq::conformance {

/// What was written, none of which moves or goes before the stream does.
struct Stream::Queue {
  std::deque<Buffer> pieces;
  std::size_t at = 0;      ///< the piece that is sent next
  std::size_t offset = 0;  ///< in it
  bool fin = false;
};

class Stream::Source final : public transport::SendSource {
 public:
  explicit Source(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}

  transport::Pull pull(std::span<ByteSpan> slices) override {
    std::size_t count = 0;
    std::size_t offset = queue_->offset;
    std::size_t at = queue_->at;
    for (; at < queue_->pieces.size() && count < slices.size(); ++at, offset = 0) {
      slices[count++] = ByteSpan(queue_->pieces[at]).subspan(offset);
    }
    return {.count = count, .fin = queue_->fin && at == queue_->pieces.size()};
  }

  void sent(std::size_t size, bool /*fin*/) override {
    queue_->offset += size;
    while (queue_->at < queue_->pieces.size() &&
           queue_->offset >= queue_->pieces[queue_->at].size()) {
      queue_->offset -= queue_->pieces[queue_->at++].size();
    }
  }

 private:
  std::shared_ptr<Queue> queue_;
};

Stream::~Stream() {
  if (send_ != nullptr) send_->set_handler(nullptr);
  if (recv_ != nullptr) recv_->set_handler(nullptr);
}

std::unique_ptr<transport::SendSource> Stream::source() {
  queue_ = std::make_shared<Queue>();
  return std::make_unique<Source>(queue_);
}

void Stream::write(const Buffer& bytes) {
  if (bytes.empty()) return;
  queue_->pieces.push_back(bytes);
  send_->ready();
}

void Stream::end() {
  queue_->fin = true;
  send_->ready();
}

void Stream::reset(std::uint64_t code) { send_->reset(code); }
void Stream::stop_sending(std::uint64_t code) { recv_->stop(code); }

void Stream::on_data(Bytes data, bool fin) {
  received_.insert(received_.end(), data.span().begin(), data.span().end());
  ended_ = fin;
}

void Stream::on_reset(std::uint64_t code) { reset_code_ = code; }

Connection::Connection(native::EventLoop& events, Duration patience)
    : events_(events), patience_(patience) {}

Result<std::unique_ptr<Connection>> Connection::dial(native::EventLoop& events,
                                                     const std::string& url,
                                                     const std::string& alpn, Duration patience) {
  std::unique_ptr<Connection> made(new Connection(events, patience));
  MOQ_TRY(const auto where, native::Url::parse(url));
  native::DialerConfig config;
  config.tls.disable_verify = true;
  config.alpns = {alpn};
  config.connect_timeout = patience;
  MOQ_TRY(made->dialer_, native::Dialer::create(events, std::move(config)));
  std::optional<Result<std::shared_ptr<transport::Session>>> dialled;
  made->dialling_ =
      made->dialer_->connect(where, [&](auto session) { dialled.emplace(std::move(session)); });
  // The dialer has a deadline of its own, which is the shorter one.
  events.run_until([&] { return dialled.has_value(); }, 2 * patience);
  made->dialling_.reset();
  if (!dialled) {
    return fail(transport::TransportError::unreachable, "no answer to the handshake");
  }
  MOQ_TRY(made->session_, *std::move(dialled));
  made->session_->set_handler(made.get());
  return made;
}

Connection::~Connection() {
  if (session_ == nullptr) return;
  close();
  session_->set_handler(nullptr);
  streams_.clear();
  session_.reset();
  // The CONNECTION_CLOSE leaves with the loop's next turns.
  events_.run_until([this] { return dialer_->connections() == 0; }, std::chrono::seconds(1));
}

Stream& Connection::open_uni() {
  Stream& stream = streams_.emplace_back();
  stream.send_ = session_->open_uni({}, stream.source(), &stream);
  return stream;
}

Stream& Connection::open_bidi() {
  Stream& stream = streams_.emplace_back();
  transport::Stream opened = session_->open_bidi({}, stream.source(), &stream, &stream);
  stream.send_ = std::move(opened.send);
  stream.recv_ = std::move(opened.recv);
  return stream;
}

bool Connection::send_datagram(const Buffer& bytes) {
  return session_->send_datagram(Bytes::copy_of(bytes));
}

void Connection::close() {
  if (!ending_) session_->close(0, "");
}

bool Connection::wait(const std::function<bool()>& done) {
  events_.run_until([&] { return ending_.has_value() || done(); }, patience_);
  return done();
}

bool Connection::wait_closed() {
  return events_.run_until([this] { return ending_.has_value(); }, patience_);
}

void Connection::on_uni(std::shared_ptr<transport::RecvStream> stream) {
  Stream& mine = streams_.emplace_back();
  mine.recv_ = std::move(stream);
  mine.recv_->set_handler(&mine);
  incoming_uni_.push_back(&mine);
}

void Connection::on_bidi(transport::Stream stream) {
  Stream& mine = streams_.emplace_back();
  mine.send_ = std::move(stream.send);
  mine.recv_ = std::move(stream.recv);
  session_->attach(*mine.send_, {}, mine.source(), &mine);
  mine.recv_->set_handler(&mine);
  incoming_bidi_.push_back(&mine);
}

void Connection::on_datagram(Bytes datagram) {
  datagrams_.emplace_back(datagram.span().begin(), datagram.span().end());
}

void Connection::on_closed(const Error& error, bool by_peer) {
  ending_ =
      Ending{.by_peer = by_peer,
             .by_application = &error.domain() == &error_domain(transport::ApplicationError{}),
             .code = error.code(),
             .reason = error.detail()};
}

}  // namespace moq::conformance
