#pragma once

#include <functional>
#include <string>
#include <vector>

#include "net/base/log.h"
#include "relay/config.h"
#include "relay/relay.h"

namespace moq::relay {

/// Reads a relay's configuration again, and has it take over what can change while it
/// serves. Belongs to the relay's thread, which must outlive it.
class LiveConfig {
 public:
  using SetLevel = std::function<void(log::Level level)>;

  /// `arguments` and `environment`: what `loaded` was made of, which the relay runs with.
  LiveConfig(Relay& relay, std::vector<std::string> arguments, Environment environment,
             Loaded loaded, SetLevel set_level);

  /// SIGHUP. Logs what has changed, what has to wait for a restart, and, if anything is
  /// wrong, what; then nothing changes.
  void reload();

 private:
  /// Whether all of it could be taken over.
  bool take(Loaded now);

  Relay& relay_;
  std::vector<std::string> arguments_;
  Environment environment_;
  Loaded loaded_;  ///< of live keys what is in use; of the others what was at the start
  SetLevel set_level_;
};

}  // namespace moq::relay
