#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/log.h"
#include "net/base/time.h"
#include "relay/drain_order.h"
#include "relay/parse.h"

namespace moq::relay {

/// How a connection decides how fast to send.
enum class CongestionControl : unsigned char {
  loss,   ///< CUBIC
  delay,  ///< BBR
};

/// How lines of the log are written.
enum class LogFormat : unsigned char { text, json };

/// Path prefixes that need no token.
struct PublicAccess {
  std::vector<std::string> subscribe;
  std::vector<std::string> publish;

  friend bool operator==(const PublicAccess&, const PublicAccess&) = default;
};

/// Everything that an operator can set, checked. What a key means, and where it
/// may be written, stands in the table of key_table.cc.
struct Config {
  struct Log {
    log::Level level = log::Level::info;
    LogFormat format = LogFormat::text;
  } log;

  struct Server {
    HostPort bind{"::", 443};
    std::size_t workers = 0;            ///< 0: one for each core
    std::vector<std::string> versions;  ///< empty: all
    struct Tls {
      std::vector<std::string> cert;      ///< PEM files, a chain each
      std::vector<std::string> key;       ///< PEM files, as many as `cert`
      std::vector<std::string> generate;  ///< host names and addresses
      std::vector<std::string> root;      ///< PEM files: whose certificates of clients count
    } tls;
    struct Quic {
      CongestionControl congestion_control = CongestionControl::delay;
      bool gso = true;
      Duration idle_timeout = std::chrono::seconds(30);
      Duration keep_alive = std::chrono::seconds(5);  ///< zero: off
      std::uint64_t max_streams = 1024;               ///< of each kind, per connection
      bool mtu_discovery = true;
      std::string qlog;  ///< directory for traces; "": none
    } quic;
  } server;

  struct Web {
    std::optional<HostPort> http_listen;   ///< none: no HTTP
    std::optional<HostPort> https_listen;  ///< none: no HTTPS
    std::vector<std::string> https_cert;   ///< PEM files, a chain each; empty: server.tls has them
    std::vector<std::string> https_key;    ///< PEM files, as many as `https_cert`
    std::vector<std::string> https_root;   ///< PEM files: whose certificates of clients count
  } web;

  /// How the relay trusts and shows itself where it is the client.
  struct Tls {
    std::vector<std::string> root;     ///< PEM files
    std::optional<bool> system_roots;  ///< default: only without `root`
    std::string cert;                  ///< PEM file of its chain; "": none
    std::string key;                   ///< PEM file
    bool disable_verify = false;

    friend bool operator==(const Tls&, const Tls&) = default;
  };
  struct Client {
    Tls tls;
  } client;

  struct Auth {
    PublicAccess public_access;
    std::string public_api;            ///< URL of a service that says what is public; "": none
    std::string key;                   ///< file or URL with the key of all tokens; "": none
    std::string key_dir;               ///< directory or URL of keys by `kid`; "": none
    std::string auth_api;              ///< URL of a service that says who may do what; "": none
    std::vector<std::string> domains;  ///< whose host names are paths
    std::string mtls_tier;             ///< of who shows a certificate
    Tls tls;                           ///< instead of client.tls, if it has anything
  } auth;

  struct Cache {
    /// None: as much as there is beyond `headroom`, and kDefaultCapacity without one.
    std::optional<SizeLimit> capacity;
    static constexpr SizeLimit kDefaultCapacity{.percent = 50};
    std::optional<SizeLimit> headroom;  ///< memory to leave available
    /// Of groups that are not the latest, whatever their publisher asks for.
    Duration duration = std::chrono::seconds(30);
  } cache;

  /// Of the whole relay, not of each worker. docs/limits.md tells them from those that
  /// cannot be set.
  struct Limits {
    std::uint64_t connections = 100000;
    std::uint64_t handshakes_per_address = 1024;
    std::uint64_t sessions_per_root = 0;  ///< 0: any number
    std::uint64_t subscriptions = 4096;   ///< and other requests, of a session
    std::uint64_t announcements = 65536;  ///< of a session
  } limits;

  struct Internal {
    std::optional<HostPort> listen;  ///< none: no listener for operators
  } internal;

  /// Of drains that signals begin, and of others as far as they say nothing else.
  DrainOrder drain;

  /// What was set but has no effect, or more than is good, for the log: a line each.
  std::vector<std::string> warnings;
};

struct Key;

/// What was set of one key, as it would be written.
struct Setting {
  const Key* key = nullptr;
  std::string value;
};

/// What a command line came to.
struct Loaded {
  /// There is a configuration unless there are mistakes, or help was asked for.
  std::optional<Config> config;
  /// What it is made of, in the order of --help.
  std::vector<Setting> settings;
  /// The answer to --help, --version or --check; "" otherwise.
  std::string text;
  /// Whether it is only to be checked.
  bool check = false;
  /// "relay.toml:12: server.bind: expected ...", a line each.
  std::vector<std::string> mistakes;
};

/// Reads an environment variable; none when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// How two configurations differ, by the names of keys.
struct Changes {
  std::vector<std::string> live;     ///< those that need no restart
  std::vector<std::string> restart;  ///< those that do
};
Changes compare(const std::vector<Setting>& before, const std::vector<Setting>& after);

/// Merges the command line (without the program's name), the environment and
/// the file that the command line names. A flag beats a variable beats the
/// file. Opens no socket and changes nothing; all mistakes are found at once.
Loaded load_config(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace moq::relay
