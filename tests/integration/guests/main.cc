// guests: sessions that stay at a relay, whatever it says (but for --leave), and tell what it says:
// a line each on standard output, with the session's number.
//
//   ready 0              the session is up
//   goaway 0 URI         the relay's GOAWAY; the URI may be empty
//   closed 0 REASON      the session is over
//
// Ends, and its sessions with it, with standard input.

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "native/client/dialer.h"
#include "native/client/url.h"
#include "native/io/event_loop.h"
#include "net/model/broadcast.h"
#include "net/model/cache.h"
#include "net/model/origin.h"
#include "net/session/session.h"
#include "net/session/version.h"

namespace moq {
namespace {

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

const ProtocolVersion* known_version(const std::string& name) {
  const ProtocolVersion* version = find_protocol_version(name);
  if (version == nullptr) throw CLI::ValidationError("no version " + name);
  return version;
}

class Guest {
 public:
  Guest(native::EventLoop& events, native::Dialer& dialer, const native::Url& url,
        const ProtocolVersion* version, std::size_t number, std::size_t broadcasts,
        OnGoaway on_goaway)
      : cache_(std::make_shared<CacheBudget>()), origin_(events.loop(), number + 1) {
    for (std::size_t i = 0; i < broadcasts; ++i) {
      const auto broadcast = std::make_shared<Broadcast>(events.loop(), cache_);
      const std::string path =
          i == 0 ? fmt::format("guest/{}", number) : fmt::format("guest/{}/{}", number, i);
      publications_.push_back(*origin_.publish(Path(path), broadcast, Route{}));
    }
    dial_ = dialer.connect(
        url, [this, &events, target = url.target(), version, number, on_goaway](auto connection) {
          if (!connection)
            return say(fmt::format("closed {} {}", number, connection.error().message()));
          session_ = *Session::create(events.loop(), *std::move(connection),
                                      {.side = Side::client,
                                       .publish = &origin_,
                                       .path = target,
                                       .versions = {version},
                                       .on_goaway = on_goaway});
          session_->ready([number] { say(fmt::format("ready {}", number)); });
          session_->draining(
              [number](const std::string& uri) { say(fmt::format("goaway {} {}", number, uri)); });
          session_->closed([number](const Error& error, bool) {
            say(fmt::format("closed {} {}", number, error.message()));
          });
        });
  }

 private:
  Cache cache_;
  Origin origin_;
  std::vector<std::unique_ptr<Origin::Publication>> publications_;
  std::unique_ptr<Session> session_;
  native::Dialer::Dial dial_;
};

int run(const std::string& url, const ProtocolVersion* version, std::size_t count,
        std::size_t broadcasts, OnGoaway on_goaway) {
  native::EventLoop events;
  const std::array versions{version};
  native::DialerConfig config;
  config.tls.disable_verify = true;
  config.alpns = alpns(versions);
  const auto dialer = *native::Dialer::create(events, config);
  std::vector<std::unique_ptr<Guest>> guests;
  for (std::size_t i = 0; i < count; ++i) {
    guests.push_back(std::make_unique<Guest>(events, *dialer, *native::Url::parse(url), version, i,
                                             broadcasts, on_goaway));
  }
  boost::asio::posix::stream_descriptor input(events.context(), ::dup(STDIN_FILENO));
  input.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                   [&](const boost::system::error_code&) { events.stop(); });
  events.run();
  guests.clear();
  // The CONNECTION_CLOSEs leave with the loop's last turns.
  events.run_until([&] { return dialer->connections() == 0; }, std::chrono::seconds(5));
  return 0;
}

}  // namespace
}  // namespace moq

int main(int argc, char** argv) {
  std::string url;
  std::string version = "moq-lite-05";
  std::size_t count = 1;
  std::size_t broadcasts = 0;
  bool leaves = false;
  CLI::App app("guests: sessions that stay, for tests of a relay");
  app.add_option("--url", url)->required();
  app.add_option("--version", version)->capture_default_str();
  app.add_option("--count", count)->capture_default_str();
  app.add_flag("--publish", broadcasts, "Each announces a broadcast, or with =N so many");
  app.add_flag("--leave", leaves, "Each goes when it is told to and nothing runs");
  CLI11_PARSE(app, argc, argv);
  return moq::run(url, moq::known_version(version), count, broadcasts,
                  leaves ? moq::OnGoaway::leave_when_idle : moq::OnGoaway::stay);
}
