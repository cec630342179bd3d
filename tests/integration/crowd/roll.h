#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crowd/camera.h"
#include "crowd/frames.h"
#include "crowd/timeline.h"
#include "crowd/watcher.h"
#include "native/io/event_loop.h"
#include "native/io/signals.h"
#include "net/base/loop.h"

namespace moq::crowd {

struct RollOptions {
  native::Url publisher_url;
  const ProtocolVersion* publisher_version = nullptr;
  /// One of each for a viewer; viewers take them in turns.
  std::vector<native::Url> viewer_urls;
  std::vector<const ProtocolVersion*> viewer_versions;
  std::size_t viewers = 1;
  /// How long it plays once all watch; unset: until a signal.
  std::optional<Duration> length;
  std::uint64_t frames_per_second = 30;
  std::uint64_t frames_per_group = 30;
  bool small = false;
  /// A file; empty: none.
  std::string timeline;
};

/// One publisher and any number of viewers, all on clients that stay connected, while
/// somebody else rolls the relays under them. Says on standard output
///
///   running           every viewer has had a group
///   whole N           every viewer has had every group up to N, whole
///   {"expected":...}  what it came to, at the end
///
/// and writes the rest into the timeline. Ends on SIGINT or SIGTERM, or after its
/// length: the track ends, and the viewers get what is missing.
class Roll {
 public:
  /// What is not there so long after the track's end is lost.
  static constexpr Duration kAfterEnd = std::chrono::seconds(30);
  /// Between the viewers' arrivals.
  static constexpr Duration kArrival = std::chrono::milliseconds(5);

  explicit Roll(const RollOptions& options);
  ~Roll();
  Roll(const Roll&) = delete;
  Roll& operator=(const Roll&) = delete;

  /// The exit status.
  int run();

 private:
  void arrive();
  void on_signal();
  void end();
  void look();
  void fault(const std::string& what);
  [[nodiscard]] bool summarize();
  void leave();

  RollOptions options_;
  native::EventLoop events_;
  Timeline timeline_;
  Frames frames_;
  std::unique_ptr<Camera> camera_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
  /// Viewers that have all up to the newest group that was told of.
  std::optional<std::uint64_t> told_whole_;
  std::size_t ended_ = 0;
  std::size_t faults_ = 0;
  bool ending_ = false;
  bool leaving_ = false;
  Timer arrival_{events_.loop(), [this] { arrive(); }};
  Timer length_{events_.loop(), [this] { end(); }};
  Timer after_end_{events_.loop(), [this] { events_.stop(); }};
  native::SignalSet signals_{events_, {SIGINT, SIGTERM}, [this](int) { on_signal(); }};
};

}  // namespace moq::crowd
