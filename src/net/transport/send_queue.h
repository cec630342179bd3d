#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "net/transport/transport.h"

namespace moq::transport {

/// Bytes queued on a request stream, kept until they are acknowledged. Shared by
/// who pushes and the stream's source, of which either may go first.
class SendQueue {
 public:
  /// What a queued piece costs besides its bytes.
  static constexpr std::size_t kOverhead = 64;

  /// `total`: where the cost of all queues of a session is summed up; may be null.
  explicit SendQueue(std::shared_ptr<std::size_t> total = nullptr) : total_(std::move(total)) {}
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;
  ~SendQueue();

  void push(Bytes bytes);
  /// Nothing follows what was pushed.
  void finish() { finished_ = true; }
  /// The cost of what is not acknowledged yet: its bytes, and kOverhead for each piece.
  [[nodiscard]] std::size_t backlog() const { return backlog_; }

  /// Bytes that were pushed so far, and how many of them are acknowledged: those of whole
  /// pieces.
  [[nodiscard]] std::uint64_t pushed() const { return pushed_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return base_; }
  /// Calls `then` once, when so many bytes are acknowledged: from inside of the transport.
  /// Replaces what was to be called.
  void when_acknowledged(std::uint64_t bytes, std::function<void()> then) {
    awaited_ = bytes;
    then_ = std::move(then);
  }

  Pull pull(std::span<ByteSpan> slices) const;
  void sent(std::size_t size);
  void acked(std::uint64_t offset);

 private:
  std::deque<Bytes> queue_;
  std::uint64_t base_ = 0;       ///< stream offset of the queue's front
  std::size_t next_ = 0;         ///< index of the first slice with unsent bytes
  std::size_t next_offset_ = 0;  ///< bytes of it that are sent
  std::size_t backlog_ = 0;
  bool finished_ = false;
  std::uint64_t pushed_ = 0;
  std::uint64_t awaited_ = 0;
  std::function<void()> then_;  ///< once base_ has come to awaited_
  std::shared_ptr<std::size_t> total_;
};

/// The source of a stream that is fed by a queue.
class QueueSource final : public SendSource {
 public:
  explicit QueueSource(std::shared_ptr<SendQueue> queue) : queue_(std::move(queue)) {}

  Pull pull(std::span<ByteSpan> slices) override { return queue_->pull(slices); }
  void sent(std::size_t size, bool /*fin*/) override { queue_->sent(size); }
  void acked(std::uint64_t offset) override { queue_->acked(offset); }
  [[nodiscard]] bool wants_acks() const override { return true; }

 private:
  std::shared_ptr<SendQueue> queue_;
};

/// A bidirectional stream that is in use already, as it goes from one owner to the
/// next, who sets the handlers of both its parts at once.
struct RunningStream {
  Stream stream;
  std::shared_ptr<SendQueue> queue;  ///< what its source sends
  Bytes received;                    ///< what came and nobody has read
  bool fin = false;                  ///< nothing comes behind that
};

}  // namespace moq::transport
