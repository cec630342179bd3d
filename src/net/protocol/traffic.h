#pragma once

#include <cstdint>

namespace moq {

/// Media in one direction, so far: payloads of objects, without what is around them.
struct Traffic {
  std::uint64_t bytes = 0;
  std::uint64_t frames = 0;  ///< objects that have begun
  std::uint64_t groups = 0;  ///< that have begun

  Traffic& operator+=(const Traffic& other) {
    bytes += other.bytes;
    frames += other.frames;
    groups += other.groups;
    return *this;
  }
};

/// What a session has carried. Belongs to its thread.
struct SessionTraffic {
  Traffic sent;
  Traffic received;
  std::uint64_t subscriptions = 0;  ///< that the peer has begun
  std::uint64_t fetches = 0;        ///< that the peer has begun

  SessionTraffic& operator+=(const SessionTraffic& other) {
    sent += other.sent;
    received += other.received;
    subscriptions += other.subscriptions;
    fetches += other.fetches;
    return *this;
  }
};

}  // namespace moq
