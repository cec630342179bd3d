#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/time.h"
#include "net/model/group.h"

/// What a frame of a benchmark holds: a header that says what it is and when it
/// was due, and a body that can be told from any other without being copied.
namespace moq::bench {

/// The header of each frame, big-endian and with a checksum of its own.
struct FrameStamp {
  static constexpr std::size_t kSize = 56;

  std::uint64_t source = 0;  ///< hash of the broadcast's path
  std::uint64_t group = 0;
  std::uint32_t frame = 0;         ///< position in the group, from 0
  std::uint32_t group_frames = 0;  ///< frames that the group is meant to have
  std::uint32_t size = 0;          ///< of the whole frame, in bytes
  std::uint64_t clock = 0;         ///< whose monotonic clock `due` is of
  Time due{};                      ///< when the schedule wanted it to be published
};

/// The one track of each broadcast.
inline constexpr const char* kTrack = "data";

/// FNV-1a.
[[nodiscard]] std::uint64_t hash_of(std::string_view text);
/// Names the monotonic clock of this machine since it was booted: times of two
/// processes can be compared where it is the same.
[[nodiscard]] std::uint64_t this_clock();

/// Makes the payloads of one frame size, and checks those of any. The body is a
/// part of one fixed pattern, which begins elsewhere for each frame: neither
/// writing nor checking copies it. Shared by threads.
class Pattern {
 public:
  /// For frames of up to `max_size` bytes.
  explicit Pattern(std::size_t max_size);

  /// Appends the frame to `subgroup`: `size` bytes, or the header's if that is more.
  [[nodiscard]] Result<void> append(Subgroup& subgroup, FrameStamp stamp,
                                    std::uint64_t timestamp) const;
  /// The stamp of a complete object whose bytes are all as they have to be; none
  /// where anything is wrong.
  [[nodiscard]] std::optional<FrameStamp> check(const Object& object) const;

 private:
  /// Where in the pattern the body of a frame begins.
  [[nodiscard]] std::size_t offset(const FrameStamp& stamp) const;

  Bytes bytes_;
};

}  // namespace moq::bench
