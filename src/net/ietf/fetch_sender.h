#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "net/model/group.h"
#include "net/transport/transport.h"

namespace moq::ietf {

/// The stream of one fetch: whole objects, of one group after the other. Who serves the
/// fetch adds some, and more when those are on their way; payloads stay where they are,
/// in their groups, which are held until the peer has them.
class FetchSender final : public transport::SendSource {
 public:
  /// `on_low`: called when little is left to send; posted by who it is.
  explicit FetchSender(std::function<void()> on_low) : on_low_(std::move(on_low)) {}

  /// The stream that this is the source of, and that owns it.
  void set_stream(transport::SendStream* stream) { stream_ = stream; }

  void add(std::vector<std::uint8_t> bytes);
  /// `header`: what precedes the payload of `object`, a complete one of `group`.
  void add(std::shared_ptr<Group> group, const Object& object, std::vector<std::uint8_t> header);
  /// Nothing more will be added.
  void finish();
  /// Resets the stream with `code`, as the draft has it.
  void abort(std::uint64_t code);
  /// Payload and headers that are in no packet yet, in bytes.
  [[nodiscard]] std::uint64_t unsent() const { return added_ - sent_; }

  transport::Pull pull(std::span<ByteSpan> slices) override;
  void sent(std::size_t size, bool fin) override;
  void acked(std::uint64_t offset) override;
  [[nodiscard]] bool wants_acks() const override { return true; }
  std::optional<std::uint64_t> expired() override { return abort_code_; }

 private:
  struct Piece {
    std::vector<std::uint8_t> header;
    std::shared_ptr<Group> group;
    const Object* object = nullptr;  ///< none: only the header
    std::uint64_t end = 0;           ///< offset on the stream of what follows it
  };
  /// Where in `pieces_`: slice 0 is the header, others are chunks of payload.
  struct Cursor {
    std::size_t piece = 0;
    std::size_t slice = 0;
    std::size_t offset = 0;
  };

  [[nodiscard]] ByteSpan slice_at(Cursor& at) const;
  void add(Piece piece, std::uint64_t size);

  /// `on_low` is called when no more than this is left, in bytes.
  static constexpr std::uint64_t kLow = 64U << 10;

  std::function<void()> on_low_;
  transport::SendStream* stream_ = nullptr;
  std::deque<Piece> pieces_;
  Cursor cursor_;
  std::uint64_t added_ = 0;
  std::uint64_t sent_ = 0;
  bool finished_ = false;
  std::optional<std::uint64_t> abort_code_;
};

}  // namespace moq::ietf
