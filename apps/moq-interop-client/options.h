#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moq-interop-client/case.h"
#include "native/client/dialer.h"
#include "native/client/url.h"
#include "net/session/version.h"

namespace moq::interop {

struct Options {
  native::Url url;
  native::DialerConfig dialer;
  /// Those of moq-transport that are offered, the newest first.
  std::vector<const ProtocolVersion*> versions;
  /// Those to run, in their order.
  std::vector<const Case*> cases;
  bool verbose = false;
  /// Shell commands: has the relay drain, and serve again. Empty: there is none.
  std::string drain_command;
  std::string undrain_command;
  /// What limits are multiplied by.
  double time_factor = 1;
};

/// The runner's name of a version: "draft-18" of "moq-transport-18".
[[nodiscard]] std::string draft_name(std::string_view version);

/// Of the flags and the environment. None if there is nothing to run: after help and a
/// list, and after a mistake, which it has told; `exit_code` is the program's then.
std::optional<Options> parse_options(int argc, const char* const* argv, int& exit_code);

}  // namespace moq::interop
