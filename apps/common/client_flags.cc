#include "common/client_flags.h"

#include <chrono>
#include <map>

namespace moq::apps {

namespace {

constexpr double kDay = 86400;

const std::map<std::string, log::Level>& log_levels() {
  static const std::map<std::string, log::Level> levels{
      {"trace", log::Level::trace}, {"debug", log::Level::debug}, {"info", log::Level::info},
      {"warn", log::Level::warn},   {"error", log::Level::error},
  };
  return levels;
}

}  // namespace

struct ClientFlags::Raw {
  std::string connect;
  std::vector<std::string> versions;
  std::string congestion_control = "delay";
  std::string bind;
  double connect_timeout = 30;
  double idle_timeout = 30;
  std::string log_level = "warn";
  native::DialerConfig client;
  bool reconnect = true;
  double backoff_initial = 1;
  double backoff_multiplier = 2;
  double backoff_max = 5;
  double backoff_timeout = 10;
  std::string goaway_redirect = "same-host";
  double goaway_handover = 10;
};

const std::map<std::string, native::Redirect>& redirects() {
  static const std::map<std::string, native::Redirect> all{
      {"same-host", native::Redirect::same_host},
      {"follow", native::Redirect::follow},
      {"ignore", native::Redirect::ignore},
  };
  return all;
}

Duration seconds(double value) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
}

CLI::Validator duration_flag(double most) {
  CLI::AsNumberWithUnit unit(
      std::map<std::string, double>{{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}},
      CLI::AsNumberWithUnit::DEFAULT, "DURATION");
  const CLI::Range range(0.0, most);
  return CLI::Validator(
      [unit, range](std::string& text) {
        const std::string wrong = unit(text);
        return wrong.empty() ? range(text) : wrong;
      },
      "DURATION");
}

ClientFlags::ClientFlags() : raw_(std::make_unique<Raw>()) {}

ClientFlags::~ClientFlags() = default;

void ClientFlags::add(CLI::App& app) {
  add_connection(app);
  add_tls(app);
  add_quic(app);
  add_reconnect(app);
  std::vector<std::string> levels;
  for (const auto& [name, level] : log_levels()) levels.push_back(name);
  app.add_option("--log-level", raw_->log_level, "trace, debug, info, warn or error")
      ->envname("MOQ_LOG_LEVEL")
      ->check(CLI::IsMember(levels))
      ->capture_default_str();
}

void ClientFlags::add_connection(CLI::App& app) {
  app.add_option(
         "--client-connect,--connect", raw_->connect,
         "The relay: https://HOST[:PORT][/PATH][?jwt=TOKEN] (WebTransport), or moqt:// (raw\n"
         "QUIC), or http:// (as https, and trusts the fingerprint that the relay tells)")
      ->envname("MOQ_CLIENT_CONNECT")
      ->required()
      ->group(kGroup);
  std::string known;
  for (const ProtocolVersion& version : protocol_versions()) {
    known += (known.empty() ? "" : ", ") + std::string(version.name);
  }
  app.add_option("--client-version", raw_->versions,
                 "Offer only these versions (" + known + "), in this order")
      ->envname("MOQ_CLIENT_VERSION")
      ->delimiter(',')
      ->group(kGroup);
  app.add_option("--client-bind", raw_->bind, "Local UDP address [default: [::]:0]")
      ->envname("MOQ_CLIENT_BIND")
      ->group(kGroup);
  app.add_option("--client-connect-timeout", raw_->connect_timeout,
                 "For connecting, as \"30s\" or \"500ms\"; 0: no limit")
      ->envname("MOQ_CLIENT_CONNECT_TIMEOUT")
      ->transform(duration_flag(kDay))
      ->capture_default_str()
      ->group(kGroup);
}

void ClientFlags::add_tls(CLI::App& app) {
  constexpr const char* kTrust = "Whom to trust";
  native::tls::ClientConfig& tls = raw_->client.tls;
  app.add_option("--client-tls-root", tls.root,
                 "PEM file of certificates to trust instead of the system's; repeatable")
      ->envname("MOQ_CLIENT_TLS_ROOT")
      ->group(kTrust);
  app.add_option_function<bool>(
         "--client-tls-system-roots", [&tls](bool on) { tls.system_roots = on; },
         "Trust the system's roots as well")
      ->envname("MOQ_CLIENT_TLS_SYSTEM_ROOTS")
      ->group(kTrust);
  app.add_option("--client-tls-fingerprint", tls.fingerprint,
                 "Trust only a certificate with this SHA-256 (hex); repeatable")
      ->envname("MOQ_CLIENT_TLS_FINGERPRINT")
      ->group(kTrust);
  app.add_flag("--client-tls-disable-verify", tls.disable_verify,
               "Trust every certificate: for development only")
      ->envname("MOQ_CLIENT_TLS_DISABLE_VERIFY")
      ->group(kTrust);
  app.add_option_function<std::string>(
         "--client-tls-host-name", [&tls](const std::string& name) { tls.host_name = name; },
         "Send and check this name instead of the URL's host")
      ->envname("MOQ_CLIENT_TLS_HOST_NAME")
      ->group(kTrust);
  app.add_option_function<std::string>(
         "--client-tls-cert", [&tls](const std::string& f) { tls.cert = f; },
         "PEM file of our own certificate chain")
      ->envname("MOQ_CLIENT_TLS_CERT")
      ->group(kTrust);
  app.add_option_function<std::string>(
         "--client-tls-key", [&tls](const std::string& f) { tls.key = f; }, "PEM file of its key")
      ->envname("MOQ_CLIENT_TLS_KEY")
      ->group(kTrust);
}

void ClientFlags::add_quic(CLI::App& app) {
  constexpr const char* kQuic = "QUIC";
  native::quic::Config& quic = raw_->client.quic;
  app.add_option("--client-quic-congestion-control", raw_->congestion_control,
                 "delay (BBR) or loss (Cubic)")
      ->envname("MOQ_CLIENT_QUIC_CONGESTION_CONTROL")
      ->check(CLI::IsMember({"delay", "loss"}))
      ->capture_default_str()
      ->group(kQuic);
  app.add_option("--client-quic-idle-timeout", raw_->idle_timeout,
                 "Without a word from the relay, the session is lost")
      ->envname("MOQ_CLIENT_QUIC_IDLE_TIMEOUT")
      ->transform(duration_flag(kDay))
      ->capture_default_str()
      ->group(kQuic);
  app.add_option("--client-quic-max-streams", quic.max_streams,
                 "Streams of each kind that the relay may have open")
      ->envname("MOQ_CLIENT_QUIC_MAX_STREAMS")
      ->capture_default_str()
      ->group(kQuic);
  app.add_option("--client-quic-gso", quic.gso, "Hand many packets to the kernel in one call")
      ->envname("MOQ_CLIENT_QUIC_GSO")
      ->capture_default_str()
      ->group(kQuic);
  app.add_option("--client-quic-mtu-discovery", quic.mtu_discovery,
                 "Probe for packets above 1200 bytes")
      ->envname("MOQ_CLIENT_QUIC_MTU_DISCOVERY")
      ->capture_default_str()
      ->group(kQuic);
}

void ClientFlags::add_reconnect(CLI::App& app) {
  constexpr const char* kAgain = "When the relay goes away or the session is lost";
  app.add_flag("!--no-reconnect", raw_->reconnect,
               "Do not connect again: end what runs in order when the relay goes away, and with\n"
               "an error when the session is lost")
      ->group(kAgain);
  app.add_option("--goaway-redirect", raw_->goaway_redirect,
                 "Where a relay that goes away may send us: to its own host (same-host), anywhere\n"
                 "(follow), or nowhere (ignore); never to a weaker scheme, nor from a public\n"
                 "address to a private one")
      ->envname("MOQ_GOAWAY_REDIRECT")
      ->check(CLI::IsMember({"same-host", "follow", "ignore"}))
      ->capture_default_str()
      ->group(kAgain);
  app.add_option("--goaway-handover", raw_->goaway_handover,
                 "How long the old session may stay once the new one serves, longer only while\n"
                 "its relay still reads from us; 0: until it is empty")
      ->envname("MOQ_GOAWAY_HANDOVER")
      ->transform(duration_flag(kDay))
      ->capture_default_str()
      ->group(kAgain);
  app.add_option("--backoff-initial,--initial", raw_->backoff_initial,
                 "Wait before the first attempt; by chance, half to all of it")
      ->envname("MOQ_BACKOFF_INITIAL")
      ->transform(duration_flag(kDay))
      ->capture_default_str()
      ->group(kAgain);
  app.add_option("--backoff-multiplier,--multiplier", raw_->backoff_multiplier,
                 "How much longer to wait after each failure")
      ->envname("MOQ_BACKOFF_MULTIPLIER")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str()
      ->group(kAgain);
  app.add_option("--backoff-max,--max", raw_->backoff_max, "The longest wait")
      ->envname("MOQ_BACKOFF_MAX")
      ->transform(duration_flag(kDay))
      ->capture_default_str()
      ->group(kAgain);
  app.add_option("--backoff-timeout,--timeout", raw_->backoff_timeout,
                 "Give up after failing for so long; 0: never")
      ->envname("MOQ_BACKOFF_TIMEOUT")
      ->transform(duration_flag(kDay))
      ->capture_default_str()
      ->group(kAgain);
}

Result<ClientOptions> ClientFlags::finish() const {
  ClientOptions options;
  options.client = raw_->client;
  MOQ_TRY(options.url, native::Url::parse(raw_->connect));
  MOQ_TRY(options.versions, parse_versions(raw_->versions));
  options.client.alpns = alpns(options.versions);
  options.client.connect_timeout = seconds(raw_->connect_timeout);
  options.client.quic.idle_timeout = seconds(raw_->idle_timeout);
  options.client.quic.congestion_control = raw_->congestion_control == "loss"
                                               ? native::quic::CongestionControl::loss
                                               : native::quic::CongestionControl::delay;
  options.reconnect = raw_->reconnect;
  options.backoff = {.initial = seconds(raw_->backoff_initial),
                     .multiplier = raw_->backoff_multiplier,
                     .max = seconds(raw_->backoff_max),
                     .timeout = seconds(raw_->backoff_timeout)};
  options.goaway = {.redirect = redirects().at(raw_->goaway_redirect),
                    .handover = seconds(raw_->goaway_handover)};
  if (!raw_->bind.empty()) {
    MOQ_TRY(options.client.bind, native::SocketAddress::parse(raw_->bind));
  }
  options.log_level = log_levels().at(raw_->log_level);
  return options;
}

}  // namespace moq::apps
