#pragma once

#include <array>
#include <memory>
#include <optional>

#include "net/lite/version.h"
#include "net/model/track.h"
#include "net/transport/transport.h"

namespace moq::lite {

/// What all groups of one subscription are sent by.
struct Delivery {
  std::shared_ptr<Track> track;
  /// The subscriber's, as of its last SUBSCRIBE_UPDATE. None: never expires (a fetch).
  std::optional<Duration> max_latency;
};

/// A cursor into a shared group: the source of one group or fetch stream. It
/// holds the group, so that the slices it hands out stay valid, and nothing
/// else: a slow peer costs this object.
class GroupSender final : public transport::SendSource, private SubgroupReader {
 public:
  static constexpr std::size_t kMaxPrefix = 32;

  /// `prefix`: what precedes the frames on the stream (the GROUP header; empty
  /// for a fetch), at most kMaxPrefix bytes.
  GroupSender(std::shared_ptr<Group> group, std::shared_ptr<const Delivery> delivery,
              Version version, ByteSpan prefix);

  GroupSender(const GroupSender&) = delete;
  GroupSender& operator=(const GroupSender&) = delete;
  ~GroupSender() override {
    if (handle_ != nullptr) *handle_ = nullptr;
  }

  /// Tells of this while it is on its way into a stream: `handle` becomes null if
  /// the transport lets go of it. Until set_stream, which must come before the
  /// handle is gone.
  void set_handle(GroupSender** handle) { handle_ = handle; }
  /// The stream that this is the source of, and that owns it.
  void set_stream(transport::SendStream* stream) {
    stream_ = stream;
    handle_ = nullptr;
  }

  /// The code to reset the stream with, if the group was given up or is too old.
  std::optional<std::uint64_t> expired() override;
  transport::Pull pull(std::span<ByteSpan> slices) override;
  void sent(std::size_t size, bool fin) override;

 private:
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
  const VersionInfo& version_;
  transport::SendStream* stream_ = nullptr;
  GroupSender** handle_ = nullptr;
  std::array<std::uint8_t, kMaxPrefix> prefix_{};
  std::size_t prefix_size_;
  std::size_t prefix_sent_ = 0;
  Cursor cursor_;
};

}  // namespace moq::lite
