#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/time.h"

/// What a moq-lite peer may send. Sizes are in bytes.
namespace moq::lite {

/// The body of a message.
inline constexpr std::size_t kMaxMessage = 64 << 10;
/// The body of a message that follows the first on a request of the peer's: all
/// that there are have a few numbers.
inline constexpr std::size_t kMaxLaterMessage = 256;
/// A broadcast path, prefix or suffix.
inline constexpr std::size_t kMaxPath = 1024;
inline constexpr std::size_t kMaxTrackName = 1024;
/// Hop ids in an announcement.
inline constexpr std::size_t kMaxHops = 32;
/// The body of an ANNOUNCE_INIT, which a publisher of many broadcasts may make long,
/// and the suffixes in it.
inline constexpr std::size_t kMaxAnnounceInit = 1 << 20;
inline constexpr std::size_t kMaxInitialAnnouncements = 65536;
/// What we put into one, in suffixes and in bytes of their text; more follow as
/// ANNOUNCE_BROADCASTs.
inline constexpr std::size_t kMaxAnnounceInitSent = 1024;
inline constexpr std::size_t kMaxAnnounceInitTextSent = 32 << 10;
/// The new session URI of a GOAWAY.
inline constexpr std::size_t kMaxGoawayUri = 8192;
/// Parameters in a SETUP.
inline constexpr std::size_t kMaxSetupParameters = 64;
/// The path in a SETUP, which may carry a query with a token.
inline constexpr std::size_t kMaxSetupPath = 8192;
/// The latency of a subscription in versions that carry none: unlimited, not 0.
inline constexpr Duration kUnlimitedLatency = Duration::max();
/// The whole body of a datagram (§"Datagrams").
inline constexpr std::size_t kMaxDatagram = 1200;
/// A frame's timestamp. The first frame of a group has the absolute one in zigzag
/// form, which leaves 61 bits; so every delta between two fits, too.
inline constexpr std::uint64_t kMaxTimestamp = (std::uint64_t{1} << 61) - 1;

}  // namespace moq::lite
