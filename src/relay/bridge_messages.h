#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/model/group.h"
#include "net/model/origin.h"
#include "net/model/path.h"
#include "net/model/track_info.h"

/// What the bridges of two workers say to each other. Everything in here may
/// cross threads: values, and Bytes, which share what they point to.
///
/// The worker that has a broadcast is its home; the other one is the reader.
namespace moq::relay::bridge {

/// A broadcast as its home numbers it; never used twice.
using BroadcastId = std::uint64_t;
/// A track that crosses, as its reader numbers it; never used twice.
using CrossingId = std::uint64_t;
/// A group that crosses, as its home numbers it; never used twice.
using GroupId = std::uint64_t;

// --- From the home.

/// A broadcast is there, and replaces what was at its path.
struct Announced {
  Path path;
  BroadcastId broadcast = 0;
  std::vector<HopId> hops;
  TrackNames tracks;
};
struct Withdrawn {
  Path path;
};
struct Accepted {
  CrossingId crossing = 0;
  TrackInfo info;
  std::optional<Location> largest;  ///< Track::largest
};
/// A group begins. `epoch`: that of the demand it answers; of no meaning to a
/// fetched one.
struct GroupBegun {
  CrossingId crossing = 0;
  GroupId group = 0;
  std::uint64_t sequence = 0;
  std::uint64_t epoch = 0;
  bool fetched = false;
};
/// What an object has gained: its beginning, if it is new, and payload.
struct Piece {
  std::optional<ObjectHeader> begins;
  boost::container::small_vector<Bytes, 1> chunks;
};
struct SubgroupGrown {
  std::uint64_t id = 0;
  SubgroupInfo info = {};
  std::vector<Piece> pieces;
  Subgroup::State state = Subgroup::State::open;
  std::uint64_t abort_code = 0;
};
/// What a group has gained since the last tick.
struct GroupGrown {
  enum class End : std::uint8_t { none, finished, aborted };
  CrossingId crossing = 0;
  GroupId group = 0;
  std::vector<SubgroupGrown> subgroups;
  End end = End::none;
  std::uint64_t abort_code = 0;
};
struct DatagramCame {
  CrossingId crossing = 0;
  std::uint64_t epoch = 0;
  Datagram datagram;
};
struct Dropped {
  CrossingId crossing = 0;
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t code = 0;
};
struct Ended {
  CrossingId crossing = 0;
  std::uint64_t epoch = 0;
  std::uint64_t end = 0;
};
struct FetchFailed {
  CrossingId crossing = 0;
  std::uint64_t sequence = 0;
  Error error;
};
/// The track is gone; the home has forgotten the crossing.
struct Aborted {
  CrossingId crossing = 0;
  Error error;
};

// --- From the reader.

struct Opened {
  CrossingId crossing = 0;
  BroadcastId broadcast = 0;
  std::string track;
};
/// `options` none: nobody wants it any more. Each demand that follows none has
/// an epoch of its own, by which what is still under way for the one before is
/// told.
struct Demanded {
  CrossingId crossing = 0;
  std::uint64_t epoch = 0;
  std::optional<SubscribeOptions> options;
};
struct Fetched {
  CrossingId crossing = 0;
  std::uint64_t sequence = 0;
};
struct Closed {
  CrossingId crossing = 0;
};

using Message =
    std::variant<Announced, Withdrawn, Accepted, GroupBegun, GroupGrown, DatagramCame, Dropped,
                 Ended, FetchFailed, Aborted, Opened, Demanded, Fetched, Closed>;

}  // namespace moq::relay::bridge
