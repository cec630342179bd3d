#include "moq/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>

#include <fmt/format.h>

#include "net/model/path.h"

namespace moq::apps {

namespace {

constexpr std::string_view kExamples = R"(
Examples:
  # publish a file as if it were live, to a relay on this machine
  moq --client-connect moqt://localhost:4443 --client-tls-disable-verify \
      --broadcast demo import --realtime video.mp4

  # publish what ffmpeg makes
  ffmpeg -re -i video.mp4 -c copy -f mp4 -movflags frag_every_frame+empty_moov - |
      moq --client-connect moqt://relay.example.com --broadcast demo import fmp4

  # watch it
  moq --client-connect moqt://relay.example.com --broadcast demo export fmp4 | ffplay -

  # see what there is, as it comes and goes
  moq --client-connect moqt://relay.example.com announced

Exit status: 0 when all was well, 1 on an error, 130 after a second Ctrl-C.)";

/// Containers that are read from standard input, by the name in the grammar, and
/// libavformat's name.
const std::map<std::string, std::string, std::less<>>& stdin_formats() {
  static const std::map<std::string, std::string, std::less<>> formats{
      {"fmp4", "mp4"}, {"ts", "mpegts"}, {"flv", "flv"}, {"mkv", "matroska"}};
  return formats;
}

struct Raw {
  std::string connect;
  std::vector<std::string> versions;
  std::string congestion_control = "delay";
  std::string bind;
  double connect_timeout = 30;
  double idle_timeout = 30;
  std::string log_level = "warn";
  std::string source;
  double audio_group = 0;
  double max_latency = 10;
  double retention = 30;
  std::string video_codec;
  std::string audio_codec;
};

Duration seconds(double value) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
}

/// "30s", "500ms", "2m"; a plain number is seconds.
CLI::Validator duration(double most) {
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

const std::map<std::string, log::Level>& log_levels() {
  static const std::map<std::string, log::Level> levels{
      {"trace", log::Level::trace}, {"debug", log::Level::debug}, {"info", log::Level::info},
      {"warn", log::Level::warn},   {"error", log::Level::error},
  };
  return levels;
}

void add_client(CLI::App& app, Raw& raw, Options& options) {
  constexpr const char* kGroup = "MoQ side";
  app.add_option("--client-connect,--connect", raw.connect,
                 "The relay: moqt://HOST[:PORT][/PATH][?jwt=TOKEN]")
      ->envname("MOQ_CLIENT_CONNECT")
      ->required()
      ->group(kGroup);
  app.add_option("--broadcast", options.broadcast, "Name of the broadcast, below the URL's path")
      ->envname("MOQ_BROADCAST")
      ->group(kGroup);
  app.add_option("--client-version", raw.versions,
                 "Offer only these versions (moq-lite-05, moq-lite-04), in this order")
      ->envname("MOQ_CLIENT_VERSION")
      ->delimiter(',')
      ->group(kGroup);
  app.add_option("--client-bind", raw.bind, "Local UDP address [default: [::]:0]")
      ->envname("MOQ_CLIENT_BIND")
      ->group(kGroup);
  app.add_option("--client-connect-timeout", raw.connect_timeout,
                 "For connecting, as \"30s\" or \"500ms\"; 0: no limit")
      ->envname("MOQ_CLIENT_CONNECT_TIMEOUT")
      ->transform(duration(86400))
      ->capture_default_str()
      ->group(kGroup);
}

void add_tls(CLI::App& app, Options& options) {
  constexpr const char* kGroup = "Whom to trust";
  app.add_option("--client-tls-root", options.client.tls.root,
                 "PEM file of certificates to trust instead of the system's; repeatable")
      ->envname("MOQ_CLIENT_TLS_ROOT")
      ->group(kGroup);
  app.add_option_function<bool>(
         "--client-tls-system-roots", [&options](bool on) { options.client.tls.system_roots = on; },
         "Trust the system's roots as well")
      ->envname("MOQ_CLIENT_TLS_SYSTEM_ROOTS")
      ->group(kGroup);
  app.add_option("--client-tls-fingerprint", options.client.tls.fingerprint,
                 "Trust only a certificate with this SHA-256 (hex); repeatable")
      ->envname("MOQ_CLIENT_TLS_FINGERPRINT")
      ->group(kGroup);
  app.add_flag("--client-tls-disable-verify", options.client.tls.disable_verify,
               "Trust every certificate: for development only")
      ->envname("MOQ_CLIENT_TLS_DISABLE_VERIFY")
      ->group(kGroup);
  app.add_option_function<std::string>(
         "--client-tls-host-name",
         [&options](const std::string& name) { options.client.tls.host_name = name; },
         "Send and check this name instead of the URL's host")
      ->envname("MOQ_CLIENT_TLS_HOST_NAME")
      ->group(kGroup);
  app.add_option_function<std::string>(
         "--client-tls-cert", [&options](const std::string& f) { options.client.tls.cert = f; },
         "PEM file of our own certificate chain")
      ->envname("MOQ_CLIENT_TLS_CERT")
      ->group(kGroup);
  app.add_option_function<std::string>(
         "--client-tls-key", [&options](const std::string& f) { options.client.tls.key = f; },
         "PEM file of its key")
      ->envname("MOQ_CLIENT_TLS_KEY")
      ->group(kGroup);
}

void add_quic(CLI::App& app, Raw& raw, Options& options) {
  constexpr const char* kGroup = "QUIC";
  native::quic::Config& quic = options.client.quic;
  app.add_option("--client-quic-congestion-control", raw.congestion_control,
                 "delay (BBR) or loss (Cubic)")
      ->envname("MOQ_CLIENT_QUIC_CONGESTION_CONTROL")
      ->check(CLI::IsMember({"delay", "loss"}))
      ->capture_default_str()
      ->group(kGroup);
  app.add_option("--client-quic-idle-timeout", raw.idle_timeout,
                 "Without a word from the relay, the session is lost")
      ->envname("MOQ_CLIENT_QUIC_IDLE_TIMEOUT")
      ->transform(duration(86400))
      ->capture_default_str()
      ->group(kGroup);
  app.add_option("--client-quic-max-streams", quic.max_streams,
                 "Streams of each kind that the relay may have open")
      ->envname("MOQ_CLIENT_QUIC_MAX_STREAMS")
      ->capture_default_str()
      ->group(kGroup);
  app.add_option("--client-quic-gso", quic.gso, "Hand many packets to the kernel in one call")
      ->envname("MOQ_CLIENT_QUIC_GSO")
      ->capture_default_str()
      ->group(kGroup);
  app.add_option("--client-quic-mtu-discovery", quic.mtu_discovery,
                 "Probe for packets above 1200 bytes")
      ->envname("MOQ_CLIENT_QUIC_MTU_DISCOVERY")
      ->capture_default_str()
      ->group(kGroup);
}

CLI::App* add_import(CLI::App& app, Raw& raw, Options& options) {
  CLI::App* verb = app.add_subcommand(
      "import", "Publish media: fmp4, ts, flv or mkv from standard input, or a file or URL");
  verb->add_option("source", raw.source, "fmp4 | ts | flv | mkv (standard input), or FILE or URL")
      ->required();
  verb->add_flag("--realtime", options.import.realtime,
                 "Publish at the pace of the timestamps: a file as if it were live");
  verb->add_option("--audio-group", raw.audio_group,
                   "Audio in a group, as \"200ms\"; 0: each frame is one")
      ->transform(duration(60))
      ->capture_default_str();
  verb->add_option("--max-latency", raw.retention,
                   "How long relays may keep groups that are not the latest")
      ->transform(duration(86400))
      ->capture_default_str();
  verb->add_flag("!--no-video", options.reader.video, "Leave video out");
  verb->add_flag("!--no-audio", options.reader.audio, "Leave audio out");
  return verb;
}

CLI::App* add_export(CLI::App& app, Raw& raw, Options& options) {
  CLI::App* verb = app.add_subcommand("export", "Write a broadcast to standard output");
  verb->add_option("format", options.export_.format, "fmp4 | mkv | ts | flv")
      ->required()
      ->check(CLI::IsMember({"fmp4", "mkv", "ts", "flv"}));
  verb->add_option("--max-latency,--latency-max", raw.max_latency,
                   "How long a missing group is waited for before it is skipped")
      ->transform(duration(3600))
      ->capture_default_str();
  verb->add_flag("!--no-video", options.export_.video.enabled, "Leave video out");
  verb->add_flag("!--no-audio", options.export_.audio.enabled, "Leave audio out");
  verb->add_option("--video-name", options.export_.video.name, "Only this video track");
  verb->add_option("--audio-name", options.export_.audio.name, "Only this audio track");
  verb->add_option("--video-codec", raw.video_codec, "Only this codec: h264, h265, vp9, av1");
  verb->add_option("--audio-codec", raw.audio_codec, "Only this codec: aac, opus");
  return verb;
}

Result<void> wanted_codec(const std::string& name, media::MediaKind kind,
                          media::RenditionFilter& filter) {
  if (name.empty()) return {};
  filter.codec = media::codec_named(name);
  if (filter.codec && media::traits(*filter.codec).kind == kind) return {};
  return fail(native::UrlError::invalid, "\"" + name + "\" is not a codec of that kind");
}

Result<void> finish(const Raw& raw, Options& options) {
  MOQ_TRY(options.url, native::Url::parse(raw.connect));
  MOQ_TRY(options.versions, parse_versions(raw.versions));
  options.client.alpns = alpns(options.versions);
  options.client.connect_timeout = seconds(raw.connect_timeout);
  options.client.quic.idle_timeout = seconds(raw.idle_timeout);
  options.client.quic.congestion_control = raw.congestion_control == "loss"
                                               ? native::quic::CongestionControl::loss
                                               : native::quic::CongestionControl::delay;
  if (!raw.bind.empty()) {
    MOQ_TRY(options.client.bind, native::SocketAddress::parse(raw.bind));
  }
  options.log_level = log_levels().at(raw.log_level);
  if (const auto format = stdin_formats().find(raw.source); format != stdin_formats().end()) {
    options.source = "-";
    options.reader.format = format->second;
  } else {
    options.source = raw.source;
  }
  options.import.publish.audio_group = seconds(raw.audio_group);
  options.import.publish.max_latency = seconds(raw.retention);
  options.export_.max_latency = seconds(raw.max_latency);
  MOQ_CHECK_OK(wanted_codec(raw.video_codec, media::MediaKind::video, options.export_.video));
  MOQ_CHECK_OK(wanted_codec(raw.audio_codec, media::MediaKind::audio, options.export_.audio));
  return {};
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  Options options;
  Raw raw;
  CLI::App app("moq: publish, receive and list live media over MoQ", "moq");
  app.set_version_flag("--version", "moq " MOQ_VERSION);
  app.footer(std::string(kExamples));
  app.fallthrough();
  app.require_subcommand(1);
  add_client(app, raw, options);
  add_tls(app, options);
  add_quic(app, raw, options);
  std::vector<std::string> levels;
  for (const auto& [name, level] : log_levels()) levels.push_back(name);
  app.add_option("--log-level", raw.log_level, "trace, debug, info, warn or error")
      ->envname("MOQ_LOG_LEVEL")
      ->check(CLI::IsMember(levels))
      ->capture_default_str();
  app.add_option("--report", options.report,
                 "Append figures to this file as JSON, once a second and at the end");
  const CLI::App* import_verb = add_import(app, raw, options);
  const CLI::App* export_verb = add_export(app, raw, options);
  CLI::App* announced = app.add_subcommand(
      "announced", "List broadcasts, and go on listing as they come and go, until Ctrl-C");
  announced->add_option("prefix", options.prefix, "Only below this path");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 1;
    return std::nullopt;
  }
  options.verb = import_verb->parsed()   ? Verb::import
                 : export_verb->parsed() ? Verb::export_
                                         : Verb::announced;
  auto finished = finish(raw, options);
  if (finished && options.verb != Verb::announced && Path(options.broadcast).empty()) {
    finished = fail(native::UrlError::invalid, "--broadcast NAME is needed");
  }
  if (!finished) {
    fmt::print(
        stderr, "moq: {}\nRun \"moq --help\" for what there is.\n",
        finished.error().detail().empty() ? finished.error().message() : finished.error().detail());
    exit_code = 1;
    return std::nullopt;
  }
  return options;
}

}  // namespace moq::apps
