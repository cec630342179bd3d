#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "net/base/bytes.h"
#include "net/transport/send_queue.h"
#include "net/transport/transport.h"

namespace moq::interop {

/// A stream of either side: what is written goes out, what comes is told.
class Pipe final : private transport::RecvHandler, private transport::SendHandler {
 public:
  struct Events {
    std::function<void(Bytes data, bool fin)> data;
    /// The peer has reset or stopped it, or the session is over: the last call.
    std::function<void()> gone;
  };

  static std::unique_ptr<Pipe> open_uni(transport::Session& session, Events events);
  static std::unique_ptr<Pipe> open_bidi(transport::Session& session, Events events);
  /// One of the peer's; it may have no sending part.
  static std::unique_ptr<Pipe> adopt(transport::Session& session, transport::Stream stream,
                                     Events events);
  /// One that is in use; what it has received is the caller's.
  static std::unique_ptr<Pipe> adopt(transport::RunningStream stream, Events events);
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe();

  /// Whoever reads it from now on; also from inside of a call.
  void set_events(Events events) { events_ = std::move(events); }
  void write(ByteSpan bytes);
  /// FIN.
  void finish();
  /// Ends both directions abruptly.
  void cancel(std::uint64_t code);

 private:
  explicit Pipe(Events events) : events_(std::move(events)) {}
  std::unique_ptr<transport::SendSource> source();

  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  void on_send_stopped(std::uint64_t code) override;
  void gone();

  Events events_;
  transport::Stream stream_;
  std::shared_ptr<transport::SendQueue> queue_;
};

}  // namespace moq::interop
