#pragma once

#include <deque>

#include "net/transport/transport.h"

namespace moq::lite {

/// Bytes queued on a request stream, kept until they are acknowledged.
class QueueSource final : public transport::SendSource {
 public:
  void push(Bytes bytes);
  /// Nothing follows what was pushed.
  void finish() { finished_ = true; }
  /// Bytes that are not acknowledged yet.
  [[nodiscard]] std::size_t backlog() const { return backlog_; }

  transport::Pull pull(std::span<ByteSpan> slices) override;
  void sent(std::size_t size, bool fin) override;
  void acked(std::uint64_t offset) override;
  [[nodiscard]] bool wants_acks() const override { return true; }

 private:
  std::deque<Bytes> queue_;
  std::uint64_t base_ = 0;       ///< stream offset of the queue's front
  std::size_t next_ = 0;         ///< index of the first slice with unsent bytes
  std::size_t next_offset_ = 0;  ///< bytes of it that are sent
  std::size_t backlog_ = 0;
  bool finished_ = false;
};

}  // namespace moq::lite
