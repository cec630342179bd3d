#pragma once

#include <string_view>

#include "net/base/time.h"

/// What the service manager is told (systemd's sd_notify). Without one, that is
/// without NOTIFY_SOCKET in the environment, these do nothing.
namespace moq::relay::notify {

/// Connections are accepted from now on: Type=notify units are up.
void ready(std::string_view status);
/// The configuration is being read again, until `reloaded`.
void reloading();
void reloaded();
/// The process is on its way out, and will take its time.
void stopping(std::string_view status);
/// The line that `systemctl status` shows.
void status(std::string_view status);
/// The same of a process on its way out, which asks not to be killed for another
/// `extension` from now on.
void progress(std::string_view status, Duration extension);

}  // namespace moq::relay::notify
