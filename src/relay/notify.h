#pragma once

#include <string_view>

/// What the service manager is told (systemd's sd_notify). Without one, that is
/// without NOTIFY_SOCKET in the environment, these do nothing.
namespace moq::relay::notify {

/// Connections are accepted from now on: Type=notify units are up.
void ready(std::string_view status);
/// The process is on its way out, and will take its time.
void stopping(std::string_view status);
/// The line that `systemctl status` shows.
void status(std::string_view status);

}  // namespace moq::relay::notify
