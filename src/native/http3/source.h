#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "native/http3/frame.h"
#include "net/base/bytes.h"
#include "net/transport/transport.h"

namespace moq::native::http3 {

/// What a WebTransport stream begins with: its type and its session's ID
/// (draft-ietf-webtrans-http3 §4.2 and §4.3); empty on streams of the peer.
class StreamHeader {
 public:
  StreamHeader() = default;
  static StreamHeader uni(std::uint64_t session);
  static StreamHeader bidi(std::uint64_t session);

  [[nodiscard]] ByteSpan bytes() const { return {bytes_.data(), size_}; }

 private:
  StreamHeader(std::uint64_t type, std::uint64_t session);

  std::array<std::uint8_t, 2 * coding::kMaxVarintSize> bytes_{};
  std::uint8_t size_ = 0;
};

/// A source behind a stream header: its slices as they are, its codes as HTTP/3's.
class StreamSource final : public transport::SendSource {
 public:
  StreamSource(const StreamHeader& header, std::unique_ptr<transport::SendSource> inner)
      : header_(header), inner_(std::move(inner)) {}

  transport::Pull pull(std::span<ByteSpan> slices) override;
  void sent(std::size_t size, bool fin) override;
  void acked(std::uint64_t offset) override;
  [[nodiscard]] bool wants_acks() const override { return inner_->wants_acks(); }
  std::optional<std::uint64_t> expired() override;

 private:
  [[nodiscard]] std::size_t header_left() const { return header_.bytes().size() - header_sent_; }

  StreamHeader header_;
  std::uint8_t header_sent_ = 0;
  std::unique_ptr<transport::SendSource> inner_;
};

/// Bytes that a stream of HTTP/3's own is to send: a few frames in its whole life, all
/// of which are kept until the stream is over.
struct ByteQueue {
  std::vector<Bytes> chunks;
  bool fin = false;

  void push(ByteSpan bytes) { chunks.push_back(Bytes::copy_of(bytes)); }
};

class ByteQueueSource final : public transport::SendSource {
 public:
  explicit ByteQueueSource(std::shared_ptr<ByteQueue> queue) : queue_(std::move(queue)) {}

  transport::Pull pull(std::span<ByteSpan> slices) override;
  void sent(std::size_t size, bool fin) override;

 private:
  std::shared_ptr<ByteQueue> queue_;
  std::size_t chunk_ = 0;   ///< the first that is not wholly sent
  std::size_t offset_ = 0;  ///< what is sent of it
};

}  // namespace moq::native::http3
