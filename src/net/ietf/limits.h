#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/time.h"

/// What a moq-transport peer may send. Sizes are in bytes. Where a draft has the
/// number, its section is named; the others are ours.
namespace moq::ietf {

/// The body of a control message: its length has 16 bits (§"Control Messages").
inline constexpr std::size_t kMaxMessage = 0xffff;
/// Fields of a Track Namespace (§"Track Naming").
inline constexpr std::size_t kMaxNamespaceFields = 32;
/// The fields of a Track Namespace and the Track Name together (§"Track Naming").
inline constexpr std::size_t kMaxFullTrackName = 4096;
/// A Reason Phrase (§"Reason Phrase Structure").
inline constexpr std::size_t kMaxReason = 1024;
/// The New Session URI of a GOAWAY (§"GOAWAY"). For a Redirect's Connect URI the
/// drafts have no limit; it has the same here.
inline constexpr std::size_t kMaxUri = 8192;
/// The value of a Key-Value-Pair with an odd type (§"Key-Value-Pair Structure").
inline constexpr std::size_t kMaxKeyValue = 0xffff;
/// How many requests a peer may have made before it is granted more, where ids limit them.
inline constexpr std::uint64_t kInitialMaxRequestId = 4096;
/// Requests of ours that wait until the peer allows them.
inline constexpr std::size_t kMaxWaitingRequests = 65536;
/// Versions in a CLIENT_SETUP.
inline constexpr std::size_t kMaxVersions = 64;
/// AUTHORIZATION TOKENs in a message.
inline constexpr std::size_t kMaxTokens = 16;
/// What a peer may keep registered, by the drafts' accounting (§"MAX_AUTH_TOKEN_CACHE_SIZE").
inline constexpr std::uint64_t kMaxAuthTokenCache = 16384;
/// What each registered token costs besides its value, there.
inline constexpr std::uint64_t kAuthTokenOverhead = 16;
/// The properties of an object: room for one of the longest values and more.
inline constexpr std::size_t kMaxObjectProperties = 128 << 10;

/// How long a SUBSCRIBE may wait for a publisher (§"RENDEZVOUS TIMEOUT Parameter").
inline constexpr Duration kMaxRendezvous = std::chrono::seconds(30);
/// How many of a session's may.
inline constexpr std::size_t kMaxWaitingForPublisher = 64;
/// Tracks of a broadcast whose PUBLISH is told on; of others only who asks by name knows.
inline constexpr std::size_t kMaxPublishedTracks = 256;

}  // namespace moq::ietf
