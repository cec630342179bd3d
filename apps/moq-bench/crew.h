#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "moq-bench/member.h"
#include "moq-bench/tally.h"

namespace moq::bench {

/// The connections of one thread. Belongs to it.
class Crew {
 public:
  struct Settings {
    const Pattern& pattern;
    std::uint64_t clock;
    const apps::ClientOptions& client;
    Duration max_latency;
    BulkGate* bulk;
    std::function<void(std::uint64_t index, const std::string& why, bool was_open)> failed;
  };
  /// Whole groups by the path of each broadcast that was published here.
  using Ends = std::map<std::string, std::uint64_t>;

  Crew(native::EventLoop& events, const Settings& settings);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Starts the connections, at their delays after `start`.
  void launch(const std::vector<Plan>& plans, Time start);
  void begin_measuring(Time now);
  void end_measuring(Time now);
  Ends stop_publishing(Time now);
  /// Whether some subscription still lacks groups before its broadcast's end.
  [[nodiscard]] bool waits(const Ends& ends) const;
  void settle(const Ends& ends);
  void close();
  /// Whether all connections have been closed on the wire.
  [[nodiscard]] bool quiet() const;

  /// What was counted until now.
  [[nodiscard]] const Tally& tally(Time now);
  [[nodiscard]] Deliveries deliveries(Time now) const;

 private:
  native::EventLoop& events_;
  Tally tally_;
  Cache published_;
  Cache received_;
  Settings settings_;
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace moq::bench
