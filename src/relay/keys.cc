#include "relay/keys.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "native/io/packet_io.h"

namespace moq::relay {

namespace {

using Texts = std::vector<std::string>;

log::Level level_of(std::string_view name) {
  constexpr std::array kNames = {"trace", "debug", "info", "warn", "error"};
  return static_cast<log::Level>(std::ranges::find(kNames, name) - kNames.begin());
}

void extend(Texts& list, const Value& value) {
  const auto& more = std::get<Texts>(value);
  list.insert(list.end(), more.begin(), more.end());
}

constexpr std::string_view kNoTokens =
    "tokens cannot be verified yet, so whoever has one would be turned away, and what it keeps "
    "apart would not be kept apart";
constexpr std::string_view kNoClientCertificates =
    "client certificates are not asked for yet, so peers that rely on theirs would be turned away";

// Sorted as --help shows them. Names, variables and defaults are the
// reference's (moq-dev/moq), so that its files and units work unchanged.
constexpr Key kKeys[] = {
    {.group = "Logging",
     .toml = "log.level",
     .flags = "log-level",
     .env = "MOQ_LOG_LEVEL",
     .type = Type::choice,
     .support = Support::now,
     .placeholder = "LEVEL",
     .shown_default = "info",
     .help = "How much to log, to standard error: trace, debug, info, warn or error. RUST_LOG, "
             "where it names a level, beats this.",
     .choices = "trace debug info warn error",
     .store = [](Config& c, const Value& v) { c.log.level = level_of(std::get<std::string>(v)); }},

    {.group = "Listening for QUIC and WebTransport (UDP)",
     .toml = "server.bind server.listen",
     .flags = "server-bind listen",
     .env = "MOQ_SERVER_BIND MOQ_LISTEN",
     .type = Type::host_port,
     .support = Support::now,
     .placeholder = "ADDRESS",
     .shown_default = "[::]:443",
     .help = "Where to listen. \"[::]\" takes IPv4 as well as IPv6.",
     .store = [](Config& c, const Value& v) { c.server.bind = std::get<HostPort>(v); }},
    {.group = "Listening for QUIC and WebTransport (UDP)",
     .toml = "server.workers runtime.workers",
     .flags = "server-workers runtime-workers",
     .env = "MOQ_SERVER_WORKERS MOQ_RUNTIME_WORKERS",
     .type = Type::count,
     .support = Support::now,
     .placeholder = "COUNT",
     .shown_default = "one for each core",
     .help = "Threads that serve connections, each with a socket of its own. 0 is the default.",
     .store = [](Config& c, const Value& v) { c.server.workers = std::get<std::uint64_t>(v); }},
    {.group = "Listening for QUIC and WebTransport (UDP)",
     .toml = "server.version",
     .flags = "server-version",
     .env = "MOQ_SERVER_VERSION",
     .type = Type::version_list,
     .support = Support::now,
     .placeholder = "VERSION",
     .shown_default = "all",
     .help = "Accept only this version, such as moq-lite-04. May be given several times.",
     .store = [](Config& c, const Value& v) { extend(c.server.versions, v); }},

    {.group = "Certificates",
     .toml = "server.tls.cert",
     .flags = "tls-cert server-tls-cert",
     .env = "MOQ_SERVER_TLS_CERT",
     .type = Type::path_list,
     .support = Support::now,
     .placeholder = "FILE",
     .help = "A certificate chain, in PEM. May be given several times, each with its key.",
     .store = [](Config& c, const Value& v) { extend(c.server.tls.cert, v); }},
    {.group = "Certificates",
     .toml = "server.tls.key",
     .flags = "tls-key server-tls-key",
     .env = "MOQ_SERVER_TLS_KEY",
     .type = Type::path_list,
     .support = Support::now,
     .placeholder = "FILE",
     .help = "The private key of the certificate in the same place, in PEM.",
     .store = [](Config& c, const Value& v) { extend(c.server.tls.key, v); }},
    {.group = "Certificates",
     .toml = "server.tls.generate",
     .flags = "tls-generate server-tls-generate",
     .env = "MOQ_SERVER_TLS_GENERATE",
     .type = Type::text_list,
     .support = Support::now,
     .placeholder = "HOST",
     .help = "Generate a self-signed certificate for these names and addresses, separated by "
             "commas. For development: clients have to be told its fingerprint.",
     .store = [](Config& c, const Value& v) { extend(c.server.tls.generate, v); }},
    {.group = "Certificates",
     .toml = "server.tls.root",
     .flags = "server-tls-root",
     .env = "MOQ_SERVER_TLS_ROOT",
     .type = Type::path_list,
     .support = Support::refused,
     .placeholder = "FILE",
     .help = kNoClientCertificates},

    {.group = "QUIC",
     .toml = "server.quic.congestion_control quic.congestion_control",
     .flags = "server-quic-congestion-control quic-congestion-control",
     .env = "MOQ_SERVER_QUIC_CONGESTION_CONTROL MOQ_QUIC_CONGESTION_CONTROL",
     .type = Type::choice,
     .support = Support::now,
     .placeholder = "FAMILY",
     .shown_default = "delay",
     .help = "\"delay\" (BBR) keeps queues short and suits live media; \"loss\" (CUBIC) sends "
             "faster until packets are lost.",
     .choices = "loss delay",
     .store =
         [](Config& c, const Value& v) {
           c.server.quic.congestion_control = std::get<std::string>(v) == "loss"
                                                  ? CongestionControl::loss
                                                  : CongestionControl::delay;
         }},
    {.group = "QUIC",
     .toml = "server.quic.gso quic.gso",
     .flags = "server-quic-gso quic-gso",
     .env = "MOQ_SERVER_QUIC_GSO MOQ_QUIC_GSO",
     .type = Type::boolean,
     .support = Support::now,
     .placeholder = "true|false",
     .shown_default = "true",
     .help = "Hand packets to the kernel in batches. Off for network cards that mangle them.",
     .store = [](Config& c, const Value& v) { c.server.quic.gso = std::get<bool>(v); }},
    {.group = "QUIC",
     .toml = "server.quic.idle_timeout quic.idle_timeout",
     .flags = "server-quic-idle-timeout quic-idle-timeout",
     .env = "MOQ_SERVER_QUIC_IDLE_TIMEOUT MOQ_QUIC_IDLE_TIMEOUT",
     .type = Type::duration,
     .support = Support::now,
     .placeholder = "TIME",
     .shown_default = "30s",
     .help = "Drop a connection after this much silence.",
     .store = [](Config& c,
                 const Value& v) { c.server.quic.idle_timeout = std::get<Duration>(v); }},
    {.group = "QUIC",
     .toml = "server.quic.keep_alive quic.keep_alive",
     .flags = "server-quic-keep-alive quic-keep-alive",
     .env = "MOQ_SERVER_QUIC_KEEP_ALIVE MOQ_QUIC_KEEP_ALIVE",
     .type = Type::duration,
     .support = Support::now,
     .placeholder = "TIME",
     .shown_default = "5s",
     .help = "Ping a quiet connection this often. 0s: never.",
     .store = [](Config& c, const Value& v) { c.server.quic.keep_alive = std::get<Duration>(v); }},
    {.group = "QUIC",
     .toml = "server.quic.max_streams quic.max_streams",
     .flags = "server-quic-max-streams server-max-streams quic-max-streams",
     .env = "MOQ_SERVER_QUIC_MAX_STREAMS MOQ_QUIC_MAX_STREAMS",
     .type = Type::count,
     .support = Support::now,
     .placeholder = "COUNT",
     .shown_default = "1024",
     .help = "Streams of each kind that a peer may have open at once.",
     .store = [](Config& c,
                 const Value& v) { c.server.quic.max_streams = std::get<std::uint64_t>(v); }},
    {.group = "QUIC",
     .toml = "server.quic.mtu_discovery quic.mtu_discovery",
     .flags = "server-quic-mtu-discovery quic-mtu-discovery",
     .env = "MOQ_SERVER_QUIC_MTU_DISCOVERY MOQ_QUIC_MTU_DISCOVERY",
     .type = Type::boolean,
     .support = Support::now,
     .placeholder = "true|false",
     .shown_default = "true",
     .help = "Look for the largest packet that the path takes.",
     .store = [](Config& c, const Value& v) { c.server.quic.mtu_discovery = std::get<bool>(v); }},
    {.toml = "server.quic.qlog quic.qlog",
     .flags = "server-quic-qlog quic-qlog",
     .env = "MOQ_SERVER_QUIC_QLOG MOQ_QUIC_QLOG"},
    {.toml = "server.quic.preferred_v4",
     .flags = "server-preferred-v4",
     .env = "MOQ_SERVER_PREFERRED_V4"},
    {.toml = "server.quic.preferred_v6",
     .flags = "server-preferred-v6",
     .env = "MOQ_SERVER_PREFERRED_V6"},
    {.toml = "server.quic.quic_lb_id",
     .flags = "server-quic-lb-id",
     .env = "MOQ_SERVER_QUIC_LB_ID"},
    {.toml = "server.quic.quic_lb_nonce",
     .flags = "server-quic-lb-nonce",
     .env = "MOQ_SERVER_QUIC_LB_NONCE"},

    {.group = "HTTP (TCP)",
     .toml = "web.http.listen",
     .flags = "web-http-listen",
     .env = "MOQ_WEB_HTTP_LISTEN",
     .type = Type::address,
     .support = Support::now,
     .placeholder = "ADDRESS",
     .shown_default = "off",
     .help = "Serve /health, /ready and /certificate.sha256 here. May be the address that QUIC "
             "listens on.",
     .store = [](Config& c, const Value& v) { c.web.http_listen = std::get<HostPort>(v); }},

    {.group = "Access without a token",
     .toml = "auth.public",
     .flags = "auth-public",
     .env = "MOQ_AUTH_PUBLIC",
     .type = Type::text_list,
     .support = Support::now,
     .placeholder = "PREFIX",
     .help = "Anyone may publish and subscribe under this path. \"\" is every path, \"anon\" is "
             "anon and anon/*. In the file also a list, or a table with the lists subscribe and "
             "publish.",
     .store =
         [](Config& c, const Value& v) {
           extend(c.auth.public_access.subscribe, v);
           extend(c.auth.public_access.publish, v);
         }},
    {.group = "Access without a token",
     .flags = "auth-public-subscribe",
     .env = "MOQ_AUTH_PUBLIC_SUBSCRIBE",
     .type = Type::text_list,
     .support = Support::now,
     .placeholder = "PREFIX",
     .help = "Anyone may subscribe under this path.",
     .store = [](Config& c, const Value& v) { extend(c.auth.public_access.subscribe, v); }},
    {.group = "Access without a token",
     .flags = "auth-public-publish",
     .env = "MOQ_AUTH_PUBLIC_PUBLISH",
     .type = Type::text_list,
     .support = Support::now,
     .placeholder = "PREFIX",
     .help = "Anyone may publish under this path.",
     .store = [](Config& c, const Value& v) { extend(c.auth.public_access.publish, v); }},
    {.toml = "auth.public.subscribe",
     .type = Type::text_list,
     .support = Support::now,
     .store = [](Config& c, const Value& v) { extend(c.auth.public_access.subscribe, v); }},
    {.toml = "auth.public.publish",
     .type = Type::text_list,
     .support = Support::now,
     .store = [](Config& c, const Value& v) { extend(c.auth.public_access.publish, v); }},

    {.group = "Cache",
     .toml = "cache.capacity",
     .flags = "cache-capacity",
     .env = "MOQ_CACHE_CAPACITY",
     .type = Type::size,
     .support = Support::now,
     .placeholder = "SIZE",
     .shown_default = "50%",
     .help = "Media to keep for late subscribers, such as 8GiB or 50% of memory. The latest group "
             "of every track is always kept.",
     .store = [](Config& c, const Value& v) { c.cache.capacity = std::get<SizeLimit>(v); }},
    {.group = "Cache",
     .toml = "cache.duration",
     .flags = "cache-duration",
     .env = "MOQ_CACHE_DURATION",
     .type = Type::duration,
     .support = Support::now,
     .placeholder = "TIME",
     .shown_default = "30s",
     .help = "Keep no group but the latest for longer than this.",
     .store = [](Config& c, const Value& v) { c.cache.duration = std::get<Duration>(v); }},
    {.toml = "cache.headroom", .flags = "cache-headroom", .env = "MOQ_CACHE_HEADROOM"},

    {.group = "Shutdown",
     .toml = "drain_timeout",
     .flags = "drain-timeout",
     .env = "MOQ_DRAIN_TIMEOUT",
     .type = Type::duration,
     .support = Support::now,
     .placeholder = "TIME",
     .shown_default = "until the last has left",
     .help = "How long sessions may stay after the first SIGINT or SIGTERM. 0s: not at all.",
     .store = [](Config& c, const Value& v) { c.drain_timeout = std::get<Duration>(v); }},

    // Who may connect: never left out silently.
    {.toml = "auth.key",
     .flags = "auth-key",
     .env = "MOQ_AUTH_KEY",
     .support = Support::refused,
     .help = kNoTokens},
    {.toml = "auth.key_dir",
     .flags = "auth-key-dir",
     .env = "MOQ_AUTH_KEY_DIR",
     .support = Support::refused,
     .help = kNoTokens},
    {.toml = "auth.auth_api",
     .flags = "auth-api",
     .env = "MOQ_AUTH_API",
     .support = Support::refused,
     .help = "the service is not asked yet, and nothing else says who may connect"},
    {.toml = "auth.public.api",
     .flags = "auth-public-api",
     .env = "MOQ_AUTH_PUBLIC_API",
     .support = Support::refused,
     .help = "the service is not asked yet, so its paths would be closed to everyone"},
    {.toml = "auth.domains",
     .flags = "auth-domain",
     .env = "MOQ_AUTH_DOMAIN",
     .support = Support::refused,
     .help = "host names are not turned into paths yet, so customers would meet in one tree"},
    {.toml = "auth.mtls_tier", .flags = "auth-mtls-tier", .env = "MOQ_AUTH_MTLS_TIER"},
    {.toml = "auth.tls.root", .flags = "auth-tls-root", .env = "MOQ_AUTH_TLS_ROOT"},
    {.toml = "auth.tls.cert", .flags = "auth-tls-cert", .env = "MOQ_AUTH_TLS_CERT"},
    {.toml = "auth.tls.key", .flags = "auth-tls-key", .env = "MOQ_AUTH_TLS_KEY"},
    {.toml = "auth.tls.disable_verify",
     .flags = "auth-tls-disable-verify",
     .env = "MOQ_AUTH_TLS_DISABLE_VERIFY",
     .type = Type::boolean},

    // Listeners that are not opened: what would guard them guards nothing, but
    // an allow list is refused, so that it is not forgotten once they are.
    {.toml = "server.tcp.bind", .flags = "server-tcp-bind", .env = "MOQ_SERVER_TCP_BIND"},
    {.toml = "server.unix.bind", .flags = "server-unix-bind", .env = "MOQ_SERVER_UNIX_BIND"},
    {.toml = "server.unix.allow.uid",
     .flags = "server-unix-allow-uid",
     .env = "MOQ_SERVER_UNIX_ALLOW_UID",
     .support = Support::refused,
     .help = "the Unix socket is not opened yet, and its callers are not checked"},
    {.toml = "server.unix.allow.gid",
     .flags = "server-unix-allow-gid",
     .env = "MOQ_SERVER_UNIX_ALLOW_GID",
     .support = Support::refused,
     .help = "the Unix socket is not opened yet, and its callers are not checked"},
    {.toml = "server.unix.allow.pid",
     .flags = "server-unix-allow-pid",
     .env = "MOQ_SERVER_UNIX_ALLOW_PID",
     .support = Support::refused,
     .help = "the Unix socket is not opened yet, and its callers are not checked"},
    {.toml = "server.backend", .flags = "server-backend", .env = "MOQ_SERVER_BACKEND"},
    {.toml = "runtime.pin",
     .flags = "runtime-pin",
     .env = "MOQ_RUNTIME_PIN",
     .type = Type::boolean},
    {.toml = "web.https.listen", .flags = "web-https-listen", .env = "MOQ_WEB_HTTPS_LISTEN"},
    {.toml = "web.https.cert", .flags = "web-https-cert", .env = "MOQ_WEB_HTTPS_CERT"},
    {.toml = "web.https.key", .flags = "web-https-key", .env = "MOQ_WEB_HTTPS_KEY"},
    {.toml = "web.https.root",
     .flags = "web-https-root",
     .env = "MOQ_WEB_HTTPS_ROOT",
     .support = Support::refused,
     .help = kNoClientCertificates},
    {.toml = "web.ws", .flags = "web-ws", .env = "MOQ_WEB_WS", .type = Type::boolean},
    {.toml = "internal.listen", .flags = "internal-listen", .env = "MOQ_INTERNAL_LISTEN"},

    {.toml = "cluster.id", .flags = "cluster-id", .env = "MOQ_CLUSTER_ID"},
    {.toml = "cluster.connect", .flags = "cluster-connect", .env = "MOQ_CLUSTER_CONNECT"},
    {.toml = "cluster.connect_api",
     .flags = "cluster-connect-api",
     .env = "MOQ_CLUSTER_CONNECT_API"},
    {.toml = "cluster.node", .flags = "cluster-node", .env = "MOQ_CLUSTER_NODE"},
    {.toml = "cluster.mesh",
     .flags = "cluster-mesh",
     .env = "MOQ_CLUSTER_MESH",
     .type = Type::boolean},
    {.toml = "cluster.token", .flags = "cluster-token", .env = "MOQ_CLUSTER_TOKEN"},
    {.toml = "cluster.tier", .flags = "cluster-tier", .env = "MOQ_CLUSTER_TIER"},
    {.toml = "cluster.linger", .flags = "cluster-linger", .env = "MOQ_CLUSTER_LINGER"},
    {.toml = "cluster.lan", .flags = "cluster-lan", .env = "MOQ_CLUSTER_LAN"},
    {.toml = "cluster.lan_secret", .flags = "cluster-lan-secret", .env = "MOQ_CLUSTER_LAN_SECRET"},

    {.toml = "client.connect", .flags = "client-connect connect", .env = "MOQ_CLIENT_CONNECT"},
    {.toml = "client.bind", .flags = "client-bind", .env = "MOQ_CLIENT_BIND"},
    {.toml = "client.backend", .flags = "client-backend", .env = "MOQ_CLIENT_BACKEND"},
    {.toml = "client.timeout",
     .flags = "client-connect-timeout connect-timeout",
     .env = "MOQ_CLIENT_CONNECT_TIMEOUT MOQ_CONNECT_TIMEOUT"},
    {.toml = "client.failover_delay client.race",
     .flags = "client-failover-delay connect-race",
     .env = "MOQ_CLIENT_FAILOVER_DELAY MOQ_CONNECT_RACE"},
    {.toml = "client.resolution_delay",
     .flags = "client-resolution-delay",
     .env = "MOQ_CLIENT_RESOLUTION_DELAY"},
    {.toml = "client.version", .flags = "client-version", .env = "MOQ_CLIENT_VERSION"},
    {.toml = "client.tls.root", .flags = "client-tls-root tls-root", .env = "MOQ_CLIENT_TLS_ROOT"},
    {.toml = "client.tls.system_roots",
     .flags = "client-tls-system-roots tls-system-roots",
     .env = "MOQ_CLIENT_TLS_SYSTEM_ROOTS",
     .type = Type::boolean},
    {.toml = "client.tls.fingerprint",
     .flags = "client-tls-fingerprint tls-fingerprint",
     .env = "MOQ_CLIENT_TLS_FINGERPRINT"},
    {.toml = "client.tls.cert", .flags = "client-tls-cert", .env = "MOQ_CLIENT_TLS_CERT"},
    {.toml = "client.tls.key", .flags = "client-tls-key", .env = "MOQ_CLIENT_TLS_KEY"},
    {.toml = "client.tls.host_name",
     .flags = "client-tls-host-name",
     .env = "MOQ_CLIENT_TLS_HOST_NAME"},
    {.toml = "client.tls.disable_verify client.tls.insecure",
     .flags = "client-tls-disable-verify client-tls-insecure tls-disable-verify",
     .env = "MOQ_CLIENT_TLS_DISABLE_VERIFY MOQ_CONNECT_TLS_INSECURE",
     .type = Type::boolean},
    {.toml = "client.quic.congestion_control",
     .flags = "client-quic-congestion-control",
     .env = "MOQ_CLIENT_QUIC_CONGESTION_CONTROL"},
    {.toml = "client.quic.gso",
     .flags = "client-quic-gso",
     .env = "MOQ_CLIENT_QUIC_GSO",
     .type = Type::boolean},
    {.toml = "client.quic.idle_timeout",
     .flags = "client-quic-idle-timeout",
     .env = "MOQ_CLIENT_QUIC_IDLE_TIMEOUT"},
    {.toml = "client.quic.keep_alive",
     .flags = "client-quic-keep-alive",
     .env = "MOQ_CLIENT_QUIC_KEEP_ALIVE"},
    {.toml = "client.quic.max_streams",
     .flags = "client-quic-max-streams client-max-streams",
     .env = "MOQ_CLIENT_QUIC_MAX_STREAMS"},
    {.toml = "client.quic.mtu_discovery",
     .flags = "client-quic-mtu-discovery",
     .env = "MOQ_CLIENT_QUIC_MTU_DISCOVERY",
     .type = Type::boolean},
    {.toml = "client.quic.qlog", .flags = "client-quic-qlog", .env = "MOQ_CLIENT_QUIC_QLOG"},
    {.toml = "client.websocket.enabled",
     .flags = "websocket-enabled",
     .env = "MOQ_CLIENT_WEBSOCKET_ENABLED",
     .type = Type::boolean},
    {.toml = "client.websocket.delay",
     .flags = "websocket-delay",
     .env = "MOQ_CLIENT_WEBSOCKET_DELAY"},
    {.toml = "client.backoff.initial", .flags = "initial", .env = "MOQ_BACKOFF_INITIAL"},
    {.toml = "client.backoff.multiplier", .flags = "multiplier", .env = "MOQ_BACKOFF_MULTIPLIER"},
    {.toml = "client.backoff.max", .flags = "max", .env = "MOQ_BACKOFF_MAX"},
    {.toml = "client.backoff.timeout", .flags = "timeout", .env = "MOQ_BACKOFF_TIMEOUT"},
    {.toml = "client.goaway.redirect", .flags = "goaway-redirect", .env = "MOQ_GOAWAY_REDIRECT"},
    {.toml = "client.goaway.handover", .flags = "goaway-handover", .env = "MOQ_GOAWAY_HANDOVER"},

    {.toml = "stats.enabled",
     .flags = "stats-enabled",
     .env = "MOQ_STATS_ENABLED",
     .type = Type::boolean},
    {.toml = "stats.prefix", .flags = "stats-prefix", .env = "MOQ_STATS_PREFIX"},
    {.toml = "stats.interval", .flags = "stats-interval", .env = "MOQ_STATS_INTERVAL"},
    {.toml = "stats.node", .flags = "stats-node", .env = "MOQ_STATS_NODE"},
    {.toml = "stats.depth", .flags = "stats-depth", .env = "MOQ_STATS_DEPTH"},
    {.toml = "iroh.enabled",
     .flags = "iroh-enabled",
     .env = "MOQ_IROH_ENABLED",
     .type = Type::boolean},
    {.toml = "iroh.secret", .flags = "iroh-secret", .env = "MOQ_IROH_SECRET"},
    {.toml = "iroh.bind_v4", .flags = "iroh-bind-v4", .env = "MOQ_IROH_BIND_V4"},
    {.toml = "iroh.bind_v6", .flags = "iroh-bind-v6", .env = "MOQ_IROH_BIND_V6"},
    {.toml = "iroh.disable_relay",
     .flags = "iroh-disable-relay",
     .env = "MOQ_IROH_DISABLE_RELAY",
     .type = Type::boolean},
};

// The reference's next release renames whole sections and keeps the old names.
struct Rename {
  std::string_view from;
  std::string_view to;
};

Texts with_renames(std::string_view names, std::span<const Rename> renames) {
  Texts all = words(names);
  const std::size_t own = all.size();
  for (std::size_t i = 0; i < own; ++i) {
    for (const Rename& rename : renames) {
      if (!all[i].starts_with(rename.from)) continue;
      std::string renamed = std::string(rename.to) + all[i].substr(rename.from.size());
      if (std::ranges::find(all, renamed) == all.end()) all.push_back(std::move(renamed));
    }
  }
  return all;
}

template <typename T>
std::optional<Value> wrap(std::optional<T> value) {
  if (!value) return {};
  return Value(*std::move(value));
}

std::optional<Value> parse_one(const Key& key, const std::string& text) {
  switch (key.type) {
    case Type::boolean:
      return wrap(parse_bool(text));
    case Type::count:
      return wrap(parse_count(text));
    case Type::duration:
      return wrap(parse_duration(text));
    case Type::size:
      return wrap(parse_size(text));
    case Type::host_port:
      return wrap(parse_host_port(text));
    case Type::address:
      if (!native::SocketAddress::parse(text)) return {};
      return wrap(parse_host_port(text));
    case Type::choice: {
      std::string lower;
      std::ranges::transform(text, std::back_inserter(lower), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      const Texts choices = words(key.choices);
      if (std::ranges::find(choices, lower) == choices.end()) return {};
      return Value(std::move(lower));
    }
    default:
      return Value(text);
  }
}

}  // namespace

std::string_view expected(Type type) {
  switch (type) {
    case Type::text_list:
      return "a string or a list of strings";
    case Type::path_list:
      return "the name of a file, or a list of names";
    case Type::boolean:
      return "true or false";
    case Type::count:
      return "a number, 0 or more";
    case Type::duration:
      return "a duration such as \"30s\" or \"500ms\"";
    case Type::size:
      return "a size such as \"8GiB\", \"512MB\" or \"75%\"";
    case Type::host_port:
      return "an address and a port such as \"[::]:443\", \"127.0.0.1:4443\" or "
             "\"host.example:443\"";
    case Type::address:
      return "an IP address and a port such as \"[::]:80\" or \"127.0.0.1:4443\"";
    case Type::choice:
      return "one of the choices";
    case Type::version_list:
      return "a protocol version, or a list of versions";
    case Type::anything:
      return "a value";
  }
  return "a value";
}

std::string Key::name() const {
  return toml.empty() ? fmt::format("--{}", words(flags).front()) : words(toml).front();
}

std::span<const Key> all_keys() { return kKeys; }

std::vector<std::string> words(std::string_view text) {
  Texts found;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    if (space != 0) found.emplace_back(text.substr(0, space));
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return found;
}

std::vector<std::string> toml_names(const Key& key) {
  constexpr Rename kRenames[] = {{"server.", "listen."}, {"client.", "connect."}};
  return with_renames(key.toml, kRenames);
}

std::vector<std::string> flag_names(const Key& key) {
  constexpr Rename kRenames[] = {
      {"server-", "listen-"}, {"client-", "connect-"}, {"websocket-", "connect-websocket-"}};
  return with_renames(key.flags, kRenames);
}

std::vector<std::string> env_names(const Key& key) {
  constexpr Rename kRenames[] = {{"MOQ_SERVER_", "MOQ_LISTEN_"}, {"MOQ_CLIENT_", "MOQ_CONNECT_"}};
  return with_renames(key.env, kRenames);
}

std::optional<Value> parse_value(const Key& key, const std::vector<std::string>& items) {
  switch (key.type) {
    case Type::text_list:
      return Value(items);
    case Type::path_list:
      if (std::ranges::any_of(items, &std::string::empty)) return {};
      return Value(items);
    case Type::version_list: {
      const Texts known = known_versions();
      for (const std::string& item : items) {
        if (std::ranges::find(known, item) == known.end()) return {};
      }
      return Value(items);
    }
    default:
      if (items.size() != 1) return {};
      return parse_one(key, items.front());
  }
}

std::vector<std::string> known_versions() {
  return {"moq-lite-05",      "moq-lite-04",      "moq-lite-03",      "moq-lite-02",
          "moq-lite-01",      "moq-lite-06-wip",  "moq-transport-19", "moq-transport-18",
          "moq-transport-17", "moq-transport-16", "moq-transport-15", "moq-transport-14"};
}

}  // namespace moq::relay
