#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moq-interop-client/case.h"
#include "moq-interop-client/command.h"
#include "moq-interop-client/options.h"
#include "moq-interop-client/peer.h"
#include "native/client/dialer.h"
#include "native/io/event_loop.h"

namespace moq::interop {

/// The namespace and the track that the runner's contract names.
inline constexpr std::string_view kNamespace = "moq-test/interop";
inline constexpr std::string_view kTrack = "test-track";

/// What one case plays on: its sessions, and its time. Steps return what is wrong, with
/// what was expected and what came in its place.
class Stage {
 public:
  /// `limit`: of the whole case. `stopped`: whether to give up (Ctrl-C).
  Stage(native::EventLoop& events, const Options& options, Duration limit,
        std::function<bool()> stopped);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  /// Closes the sessions, and waits until that has gone out.
  ~Stage();

  [[nodiscard]] native::EventLoop& events() const { return events_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] native::Dialer& dialer() { return *dialer_; }
  /// Why there can be no connection at all; none if there can.
  [[nodiscard]] Wrong unusable() const { return unusable_; }
  /// The version of a session that was up.
  [[nodiscard]] const std::string& version() const { return version_; }
  void set_version(std::string_view version) { version_ = version; }
  /// None of the sessions, of which there are some, got as far as a connection.
  [[nodiscard]] bool unreachable() const;
  /// Why the case cannot say anything; empty if it can.
  [[nodiscard]] const std::string& skipped() const { return skipped_; }
  /// Ends the case without a result: `return stage.skip("...")`.
  Wrong skip(std::string reason);
  [[nodiscard]] bool stopped() const { return stopped_(); }

  /// Runs the loop until `done`, or as long as there is time, at most for `most`. Whether `done`.
  bool wait(const std::function<bool()>& done, std::optional<Duration> most = {});
  /// As `wait`, and the end of any of the sessions is the end of it, too.
  bool wait_up(const std::function<bool()>& done, std::optional<Duration> most = {});
  /// Something was waited for in vain.
  [[nodiscard]] Failure missing(std::string expected) const;

  // --- Sessions whose messages the case makes.

  /// Dials.
  Peer& join(std::string role);
  /// SETUP is done.
  Wrong up(const Peer& peer);
  /// SETUP is done, and the relay takes requests.
  Wrong ready(const Peer& peer);
  /// The first answer to a request has come, and is of this kind.
  Wrong accepted(const Peer& peer, const Asked& request, ietf::MessageKind kind);
  Wrong refused(const Peer& peer, const Asked& request);
  /// No session has ended by itself.
  Wrong all_well() const;

  // --- Draining.

  /// Starts the operator's command.
  void start_drain();
  /// The command has failed; none while it runs, and when it ended well.
  [[nodiscard]] Wrong drain_failed() const;

  /// The runner's namespace, or one below it that nobody else has: on a relay that others
  /// use as well, theirs must not be taken for ours.
  [[nodiscard]] static ietf::TrackNamespace test_namespace();
  [[nodiscard]] std::string own_namespace() const;

 private:
  [[nodiscard]] bool ended() const;

  native::EventLoop& events_;
  const Options& options_;
  Time deadline_;
  Duration limit_;
  std::function<bool()> stopped_;
  Wrong unusable_;
  std::string version_;
  std::string skipped_;
  std::unique_ptr<native::Dialer> dialer_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::unique_ptr<Command> drain_;
};

}  // namespace moq::interop
