#include "moq/options.h"

#include <cstdio>
#include <functional>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "common/client_flags.h"
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
  std::string source;
  double audio_group = 0;
  double max_latency = 10;
  double retention = 30;
  std::string video_codec;
  std::string audio_codec;
};

CLI::App* add_import(CLI::App& app, Raw& raw, Options& options) {
  CLI::App* verb = app.add_subcommand(
      "import", "Publish media: fmp4, ts, flv or mkv from standard input, or a file or URL");
  verb->add_option("source", raw.source, "fmp4 | ts | flv | mkv (standard input), or FILE or URL")
      ->required();
  verb->add_flag("--realtime", options.import.realtime,
                 "Publish at the pace of the timestamps: a file as if it were live");
  verb->add_option("--audio-group", raw.audio_group,
                   "Audio in a group, as \"200ms\"; 0: each frame is one")
      ->transform(duration_flag(60))
      ->capture_default_str();
  verb->add_option("--max-latency", raw.retention,
                   "How long relays may keep groups that are not the latest")
      ->transform(duration_flag(86400))
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
      ->transform(duration_flag(3600))
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

Result<void> finish(const Raw& raw, const ClientFlags& client, Options& options) {
  MOQ_TRY(static_cast<ClientOptions&>(options), client.finish());
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
  ClientFlags client;
  client.add(app);
  app.add_option("--broadcast", options.broadcast, "Name of the broadcast, below the URL's path")
      ->envname("MOQ_BROADCAST")
      ->group(ClientFlags::kGroup);
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
  auto finished = finish(raw, client, options);
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
