#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "net/base/bytes.h"
#include "net/model/track.h"
#include "net/protocol/traffic.h"
#include "net/transport/transport.h"

namespace moq {

/// What all streams of one subscription are sent by.
struct Delivery {
  std::shared_ptr<Track> track;
  /// The subscriber's. None: never expires (a fetch).
  std::optional<Duration> max_latency;
  /// How long after its arrival an object may be sent (moq-transport). None: at any time.
  std::optional<Duration> object_timeout = {};
  /// The session's, where it is counted what is sent.
  std::shared_ptr<SessionTraffic> traffic;
};

/// A cursor into a shared subgroup: the source of one stream of objects. It holds the
/// group, so that the slices it hands out stay valid, and nothing else: a slow peer costs
/// this object. How the header of an object is encoded is the protocol's.
class ObjectSender : public transport::SendSource, private SubgroupReader {
 public:
  static constexpr std::size_t kMaxPrefix = 32;

  /// `prefix`: what precedes the objects on the stream, at most kMaxPrefix bytes.
  ObjectSender(std::shared_ptr<Group> group, Subgroup& objects,
               std::shared_ptr<const Delivery> delivery, ByteSpan prefix);
  ObjectSender(const ObjectSender&) = delete;
  ObjectSender& operator=(const ObjectSender&) = delete;
  ~ObjectSender() override {
    if (handle_ != nullptr) *handle_ = nullptr;
  }

  /// `handle` becomes null when the transport lets go of this, which may be before it is in
  /// a stream. Another handle, or null, must be set before this one is gone.
  void set_handle(ObjectSender** handle) { handle_ = handle; }
  /// The stream that this is the source of, and that owns it.
  void set_stream(transport::SendStream* stream) { stream_ = stream; }

  /// Leaves out objects whose ids are below `first`; before anything is sent.
  void skip_to(std::uint64_t first) { skip_below_ = first; }

  /// Whether Delivery::object_timeout has passed for what is to be sent next.
  [[nodiscard]] bool late() const;
  /// The code to reset the stream with, if the group was given up or is too old, or `late`.
  std::optional<std::uint64_t> expired() override;
  transport::Pull pull(std::span<ByteSpan> slices) override;
  void sent(std::size_t size, bool fin) override;

 protected:
  /// What of the header of object number `index` follows `offset` in one piece of memory;
  /// empty at its end. Stays valid as long as this.
  [[nodiscard]] virtual ByteSpan header_at(std::size_t index, std::size_t offset) const = 0;
  [[nodiscard]] const Subgroup& objects() const { return objects_; }
  /// Whether object number `index` is the first on the stream.
  [[nodiscard]] bool is_first(std::size_t index) const {
    return index == 0 || objects_.objects()[index - 1].id < skip_below_;
  }

 private:
  /// Counts what begins at the cursor, and `size` bytes of it.
  void count(std::size_t size);

  /// A position behind the prefix. Chunks only ever grow or are added, so it stays valid.
  struct Cursor {
    std::size_t object = 0;
    bool in_payload = false;
    std::size_t chunk = 0;
    std::size_t offset = 0;  ///< in the object's header, or the chunk
  };

  void on_progress() override;
  /// Moves `at` past what is exhausted, and returns what follows there; empty
  /// when there is nothing yet.
  ByteSpan slice_at(Cursor& at) const;

  std::shared_ptr<Group> group_;
  Subgroup& objects_;
  std::shared_ptr<const Delivery> delivery_;
  transport::SendStream* stream_ = nullptr;
  ObjectSender** handle_ = nullptr;
  std::array<std::uint8_t, kMaxPrefix> prefix_{};
  std::size_t prefix_size_;
  std::size_t prefix_sent_ = 0;
  bool begun_ = false;  ///< something was sent
  std::uint64_t skip_below_ = 0;
  Cursor cursor_;
};

}  // namespace moq
