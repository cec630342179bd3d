#pragma once

#include <sys/types.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/client.h"

namespace moq::conformance {

/// What a case is run with.
class Stage {
 public:
  struct Options {
    std::string url;
    Duration patience{};
    /// The relay's process, for the cases that drain it; 0: they are not run.
    pid_t relay = 0;
  };
  Stage(native::EventLoop& events, const Draft& draft, Options options)
      : events_(events), draft_(draft), options_(std::move(options)) {}

  [[nodiscard]] const Draft& draft() const { return draft_; }
  [[nodiscard]] pid_t relay() const { return options_.relay; }
  [[nodiscard]] bool is(int number) const { return draft_.number() == number; }
  /// A connection without a SETUP yet.
  Result<std::unique_ptr<Client>> connect(const Draft* draft = nullptr);
  /// With both.
  Result<std::unique_ptr<Client>> join(const Fields& more_options = {},
                                       const Draft* draft = nullptr);
  /// A namespace that no other case has.
  [[nodiscard]] Names space() const { return {"conformance", case_ + part_}; }
  void begin(std::string_view id) {
    case_ = id;
    part_.clear();
  }
  /// For a case that is played more than once.
  void part(const std::string& name) { part_ = "-" + name; }

 private:
  native::EventLoop& events_;
  const Draft& draft_;
  Options options_;
  std::string case_;
  std::string part_;
};

using Outcome = Result<Verdict>;

/// Drafts that a case is of.
enum class Of : std::uint8_t { both, only14, only18 };

struct Case {
  /// The number in the reference's list of cases and a letter, or one of ours from 30 on.
  std::string_view id;
  Of of = Of::both;
  /// What the tester does, and what is to be seen.
  std::string_view title;
  std::string_view demand;
  /// Sections of the drafts, as both call them.
  std::string_view section;
  Outcome (*run)(Stage&);
};

/// Each file of cases has one of these.
[[nodiscard]] std::span<const Case> session_cases();
[[nodiscard]] std::span<const Case> message_cases();
[[nodiscard]] std::span<const Case> request_cases();
[[nodiscard]] std::span<const Case> token_cases();
[[nodiscard]] std::span<const Case> data_cases();
[[nodiscard]] std::span<const Case> relay_cases();
[[nodiscard]] std::span<const Case> delivery_cases();
[[nodiscard]] std::span<const Case> publish_cases();
[[nodiscard]] std::span<const Case> joining_cases();
[[nodiscard]] std::span<const Case> drain_cases();

/// A track that the tester publishes on one session and subscribes to on another.
struct Relayed {
  std::unique_ptr<Client> publisher;
  std::unique_ptr<Client> subscriber;
  Request upstream;    ///< the relay's SUBSCRIBE
  Request downstream;  ///< the tester's
  /// The aliases on either side.
  std::uint64_t alias = 0;
  std::uint64_t alias_below = 0;
  /// SUBSCRIBE_OK's body behind the alias.
  Buffer ok;
};

struct RelayedOptions {
  const Draft* publisher = nullptr;   ///< the stage's
  const Draft* subscriber = nullptr;  ///< the stage's
  /// What to ask for; its track is set.
  Subscribe subscribe;
  Fields track_properties;
};

/// Both sessions, up to the relay's SUBSCRIBE, which waits for an answer.
Result<Relayed> begin_relay(Stage& stage, RelayedOptions options = {});
/// And up to both SUBSCRIBE_OKs.
Result<Relayed> relay(Stage& stage, RelayedOptions options = {});

}  // namespace moq::conformance
