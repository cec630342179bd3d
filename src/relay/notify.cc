#include "relay/notify.h"

#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include "net/base/log.h"

namespace moq::relay::notify {

namespace {

void send(const std::string& state) {
  // 0: nobody listens, which is no failure.
  if (const int result = sd_notify(0, state.c_str()); result < 0) {
    log::warn("cannot tell the service manager: {}", std::strerror(-result));
  }
}

}  // namespace

void ready(std::string_view status) { send(fmt::format("READY=1\nSTATUS={}", status)); }

void reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                   std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000));
}

void reloaded() { send("READY=1"); }

void stopping(std::string_view status) { send(fmt::format("STOPPING=1\nSTATUS={}", status)); }

void status(std::string_view status) { send(fmt::format("STATUS={}", status)); }

void progress(std::string_view status, Duration extension) {
  send(fmt::format("STATUS={}\nEXTEND_TIMEOUT_USEC={}", status,
                   std::chrono::duration_cast<std::chrono::microseconds>(extension).count()));
}

}  // namespace moq::relay::notify
