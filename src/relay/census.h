#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "net/session/drain.h"

namespace moq::relay {

/// How a drain's sessions may end: the values of DrainOutcome.
inline constexpr std::array kDrainOutcomes = {DrainOutcome::peer_left, DrainOutcome::deadline,
                                              DrainOutcome::lost, DrainOutcome::closed};

/// The sessions of all workers, counted. A session tells of itself when it comes, is told
/// to leave, and ends: never for a frame. Any thread.
class Census {
 public:
  /// What a session is.
  struct Kind {
    std::string version;    ///< "moq-lite-05"; "none" until it is negotiated
    std::string transport;  ///< "quic" or "webtransport"

    friend auto operator<=>(const Kind&, const Kind&) = default;
  };
  struct Present {
    std::size_t sessions = 0;
    std::size_t told = 0;  ///< of these, those that were asked to leave

    friend bool operator==(const Present&, const Present&) = default;
  };
  /// How many sessions ended how, by DrainOutcome.
  using Ended = std::map<DrainOutcome, std::uint64_t>;

  struct Counts {
    /// Kinds that there have been stay, with zeros.
    std::map<Kind, Present> present;
    /// Connections that have no session yet; counted while a drain waits for them.
    std::size_t handshakes = 0;
    /// Of the last drain.
    Ended ended;
    /// Of all drains: by version.
    std::map<std::string, Ended> ended_ever;
    std::uint64_t goaways = 0;

    /// Of all kinds.
    [[nodiscard]] Present total() const;
  };

  explicit Census(std::size_t workers = 1) : handshakes_(workers) {}

  void came(const Kind& kind);
  /// Its version is known now.
  void changed(const Kind& from, const Kind& to, bool told);
  /// It was asked to leave; `goaway`: by a message, which not all versions have.
  void told(const Kind& kind, bool goaway);
  /// A session has ended. `outcome` counts if it was told, or a drain is under way:
  /// some leave before their turn comes.
  void left(const Kind& kind, bool told, DrainOutcome outcome);
  /// What a worker waits for besides its sessions.
  void handshakes(std::size_t worker, std::size_t count);
  /// A drain begins: `ended` is counted anew.
  void drain_begins();
  /// It was called off.
  void drain_is_off();

  [[nodiscard]] Counts counts() const;

 private:
  void remove(const Kind& kind, bool told);

  mutable std::mutex mutex_;
  Counts counts_;                        // guarded by mutex_
  bool draining_ = false;                // guarded by mutex_
  std::vector<std::size_t> handshakes_;  // guarded by mutex_
};

}  // namespace moq::relay
