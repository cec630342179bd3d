#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "native/client/dialer.h"
#include "native/client/url.h"
#include "native/io/event_loop.h"
#include "net/base/bytes.h"
#include "net/session/version.h"

/// Publishers and viewers of one track, many of them in one process, that know
/// what each frame has to be.
namespace moq::crowd {

inline constexpr const char* kBroadcast = "crowd";
inline constexpr const char* kTrack = "data";
inline constexpr std::uint64_t kFramesPerGroup = 10;
inline constexpr Duration kFrameInterval = std::chrono::milliseconds(40);
/// No group of any scenario has more.
inline constexpr std::uint64_t kMostFrames = 1000;
/// Nothing is given up for being late: what is missing is a fault.
inline constexpr Duration kPatience = std::chrono::minutes(5);

/// What frame number `frame` of group `group` is: the first of a group is large.
[[nodiscard]] inline Bytes payload(std::uint64_t group, std::uint64_t frame) {
  std::minstd_rand random(static_cast<std::uint32_t>(group * kMostFrames + frame + 1));
  std::vector<std::uint8_t> bytes(frame == 0 ? 20'000 : 1 + random() % 1500);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return Bytes::copy_of(bytes);
}

/// What everybody on the stage shares. Belongs to the loop's thread.
struct Stage {
  native::EventLoop& events;
  native::Url url;
  const ProtocolVersion* publisher_version;
  const ProtocolVersion* viewer_version;
  /// A group that some viewer has seen whole is no news to the relay.
  std::uint64_t newest_whole = 0;
  /// What has gone wrong, a line each; the run ends with the first.
  std::vector<std::string> faults;

  void fault(std::string what) {
    faults.push_back(std::move(what));
    events.stop();
  }
};

}  // namespace moq::crowd
