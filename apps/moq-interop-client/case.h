#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/base/time.h"

namespace moq::interop {

class Stage;

/// What a case's result says besides that it failed.
struct Failure {
  std::string expected = {};
  std::string received = {};
  std::string message = {};
};
/// None: all is well.
using Wrong = std::optional<Failure>;

struct Case {
  std::string_view id;
  /// What passes, in a line of --help.
  std::string_view about;
  Duration limit;
  Wrong (*run)(Stage& stage);
  /// It has the relay drained.
  bool drains = false;
};

/// All of them, in the order in which they run: those of the public interop runner, and
/// ours.
[[nodiscard]] std::span<const Case> all_cases();

// --- The cases, by file.

// runner_cases.cc
Wrong setup_only(Stage& stage);
Wrong announce_only(Stage& stage);
Wrong publish_namespace_done(Stage& stage);
Wrong subscribe_error(Stage& stage);
Wrong announce_subscribe(Stage& stage);
Wrong subscribe_before_announce(Stage& stage);
// object_cases.cc
Wrong object_data(Stage& stage);
Wrong joining_fetch(Stage& stage);
// drain_cases.cc
Wrong goaway_redirect(Stage& stage);
Wrong drain(Stage& stage);

}  // namespace moq::interop
