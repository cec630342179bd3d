#include "relay/live_config.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "relay/keys.h"
#include "relay/notify.h"

namespace moq::relay {

LiveConfig::LiveConfig(Relay& relay, std::vector<std::string> arguments, Environment environment,
                       Loaded loaded, SetLevel set_level)
    : relay_(relay),
      arguments_(std::move(arguments)),
      environment_(std::move(environment)),
      loaded_(std::move(loaded)),
      set_level_(std::move(set_level)) {}

void LiveConfig::reload() {
  notify::reloading();
  if (!take(load_config(arguments_, environment_))) {
    log::error("the configuration was not reloaded: the one that is in use stays");
  }
  notify::reloaded();
}

bool LiveConfig::take(Loaded now) {
  for (const std::string& mistake : now.mistakes) log::error("{}", mistake);
  if (!now.config) return false;
  for (const std::string& warning : now.config->warnings) log::warn("{}", warning);
  if (const auto applied = relay_.apply(*now.config); !applied) {
    log::error("{}", applied.error().detail());
    return false;
  }
  set_level_(now.config->log.level);

  const Changes changes = compare(loaded_.settings, now.settings);
  log::info("the configuration was reloaded: {}",
            changes.live.empty() ? "nothing that is in use has changed"
                                 : fmt::format("{} changed", fmt::join(changes.live, ", ")));
  for (const std::string& name : changes.restart) {
    log::warn("{} has changed, which takes effect after a restart only", name);
  }
  // What has to wait is compared with what the relay was started with, next time, too.
  std::vector<Setting> settings;
  const auto keep = [&](const std::vector<Setting>& from, bool live) {
    std::ranges::copy_if(from, std::back_inserter(settings),
                         [&](const Setting& each) { return each.key->live == live; });
  };
  keep(loaded_.settings, false);
  keep(now.settings, true);
  loaded_.settings = std::move(settings);
  return true;
}

}  // namespace moq::relay
