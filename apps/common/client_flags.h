#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "native/client/client.h"
#include "native/client/url.h"
#include "net/base/log.h"
#include "net/session/version.h"

/// The flags of programs that connect to a relay: the same names and environment
/// variables for all of them.
namespace moq::apps {

/// What these flags ask for, checked.
struct ClientOptions {
  native::Url url;
  std::vector<const ProtocolVersion*> versions;
  native::DialerConfig client;
  native::Backoff backoff;
  native::Goaway goaway;
  bool reconnect = true;
  log::Level log_level = log::Level::warn;
};

/// `--client-*` and `--log-level`. Must outlive the parsing.
class ClientFlags {
 public:
  static constexpr const char* kGroup = "MoQ side";

  ClientFlags();
  ~ClientFlags();
  ClientFlags(const ClientFlags&) = delete;
  ClientFlags& operator=(const ClientFlags&) = delete;

  void add(CLI::App& app);
  /// After the parsing; the error says what is wrong with what was written.
  [[nodiscard]] Result<ClientOptions> finish() const;

 private:
  struct Raw;

  void add_connection(CLI::App& app);
  void add_tls(CLI::App& app);
  void add_quic(CLI::App& app);
  void add_reconnect(CLI::App& app);

  std::unique_ptr<Raw> raw_;
};

/// "30s", "500ms", "2m"; a plain number is seconds. At most `most` seconds; the
/// option's value is in seconds.
[[nodiscard]] CLI::Validator duration_flag(double most);
[[nodiscard]] Duration seconds(double value);

}  // namespace moq::apps
