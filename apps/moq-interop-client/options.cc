#include "moq-interop-client/options.h"

#include <algorithm>
#include <cstdio>
#include <variant>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "net/ietf/version.h"

namespace moq::interop {

namespace {

/// What the runner understands as "this client does not have the case".
constexpr int kUnsupported = 127;

constexpr std::string_view kNotes = R"(
Each case has sessions of its own, and a limit. Results are TAP 14 on standard output; what
--verbose tells is on standard error.

The cases that drain need to be told how to drain the relay: a shell command, and another
that has it serve again, without which only the first of them runs. Of moq-relay:

  --drain-command   'curl -sf -X POST "localhost:9090/drain?uri=https://b.example:4443/"'
  --undrain-command 'curl -sf -X DELETE localhost:9090/drain'

Examples:
  moq-interop-client -r moqt://localhost:4443 --tls-disable-verify
  moq-interop-client -r https://relay.example.com -t announce-subscribe -v
  RELAY_URL=https://relay:4443 TLS_DISABLE_VERIFY=1 moq-interop-client

Exit status: 0 when all cases passed or were skipped, 1 when one failed or nothing could be
run, 127 for a case or a draft that there is not here, 130 after Ctrl-C.)";

bool is_transport(const ProtocolVersion& version) {
  return std::holds_alternative<ietf::Version>(version.version);
}

std::string known_versions() {
  std::string known;
  for (const ProtocolVersion& version : protocol_versions()) {
    if (is_transport(version)) known += (known.empty() ? "" : ", ") + std::string(version.name);
  }
  return known;
}

std::string cases_text() {
  std::string text = "Cases, in the order in which they run:\n";
  for (const Case& each : all_cases()) {
    const auto limit = std::chrono::duration<double>(each.limit).count();
    text += fmt::format("  {:<26} {} ({} s)\n", each.id, each.about, limit);
  }
  return text;
}

constexpr std::string_view kFamily = "moq-transport-";
constexpr std::string_view kDraft = "draft-";

struct Raw {
  std::string relay = "https://localhost:4443";
  std::string draft;
  std::string test;
  std::vector<std::string> versions;
  bool list = false;
};

int mistake(const std::string& what) {
  // For who reads results; the rest is for who reads.
  fmt::print("TAP version 14\nBail out! {}\n", what);
  fmt::print(stderr,
             "moq-interop-client: {}\nRun \"moq-interop-client --help\" for what there is.\n",
             what);
  return 1;
}

std::string text_of(const Error& error) {
  return error.detail().empty() ? error.message() : error.detail();
}

void add_flags(CLI::App& app, Raw& raw, Options& options) {
  app.add_option("-r,--relay", raw.relay,
                 "The relay: https://HOST[:PORT][/PATH] (WebTransport) or moqt:// (raw QUIC)")
      ->envname("RELAY_URL")
      ->capture_default_str();
  app.add_option("-t,--test", raw.test, "Run this case alone")->envname("TESTCASE");
  app.add_flag("-l,--list", raw.list, "Say what cases there are, one a line, and run none");
  app.add_flag("-v,--verbose", options.verbose, "Tell every message, and what the library does")
      ->envname("VERBOSE");
  app.add_flag("--tls-disable-verify", options.dialer.tls.disable_verify, "Trust every certificate")
      ->envname("TLS_DISABLE_VERIFY");
  app.add_option("--tls-root", options.dialer.tls.root,
                 "PEM file of certificates to trust instead of the system's; repeatable")
      ->envname("TLS_ROOT");
  app.add_option("--client-version", raw.versions,
                 "Offer only these versions (" + known_versions() +
                     "), in this order; otherwise\n"
                     "all, the newest first, of which the relay chooses")
      ->delimiter(',');
  app.add_option("--draft", raw.draft, "draft-NN: as --client-version moq-transport-NN")
      ->envname("MOQT_DRAFT");
  app.add_option("--drain-command", options.drain_command,
                 "Has the relay drain (see below); it may go on running")
      ->envname("DRAIN_COMMAND");
  app.add_option("--undrain-command", options.undrain_command,
                 "Has the relay serve again after a case that drained it")
      ->envname("UNDRAIN_COMMAND");
  app.add_option("--time-factor", options.time_factor,
                 "Multiplies the limits: for a slow machine, and never for a comparison")
      ->check(CLI::Range(0.1, 100.0))
      ->capture_default_str();
}

/// Whether the draft that is asked for is one of ours; `raw.versions` has it then.
bool finish_draft(Raw& raw) {
  if (raw.draft.empty() || !raw.versions.empty()) return true;
  const std::string_view text = raw.draft;
  if (!text.starts_with(kDraft)) return false;
  std::string name = std::string(kFamily) + std::string(text.substr(kDraft.size()));
  const ProtocolVersion* version = find_protocol_version(name);
  if (version == nullptr || !is_transport(*version)) return false;
  raw.versions = {std::move(name)};
  return true;
}

Result<void> finish_versions(const Raw& raw, Options& options) {
  MOQ_TRY(options.versions, parse_versions(raw.versions));
  const auto other = [](const ProtocolVersion* version) { return !is_transport(*version); };
  if (!raw.versions.empty() && std::ranges::any_of(options.versions, other)) {
    return fail(native::UrlError::invalid,
                "--client-version: the cases are of moq-transport: " + known_versions());
  }
  std::erase_if(options.versions, other);
  options.dialer.alpns = alpns(options.versions);
  return {};
}

}  // namespace

std::string draft_name(std::string_view version) {
  if (!version.starts_with(kFamily)) return std::string(version);
  return std::string(kDraft) + std::string(version.substr(kFamily.size()));
}

std::optional<Options> parse_options(int argc, const char* const* argv, int& exit_code) {
  Options options;
  Raw raw;
  CLI::App app("moq-interop-client: interoperability of a MoQ relay, case by case",
               "moq-interop-client");
  app.set_version_flag("--version", "moq-interop-client " MOQ_VERSION);
  app.footer("\n" + cases_text() + std::string(kNotes));
  add_flags(app, raw, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 1;
    return std::nullopt;
  }
  if (raw.list) {
    for (const Case& each : all_cases()) fmt::print("{}\n", each.id);
    exit_code = 0;
    return std::nullopt;
  }
  for (const Case& each : all_cases()) {
    if (raw.test.empty() || raw.test == each.id) options.cases.push_back(&each);
  }
  if (options.cases.empty()) {
    fmt::print(stderr, "moq-interop-client: there is no case \"{}\"; --list says what there is\n",
               raw.test);
    exit_code = kUnsupported;
    return std::nullopt;
  }
  if (!finish_draft(raw)) {
    fmt::print(stderr, "moq-interop-client: \"{}\" is no draft of {}\n", raw.draft,
               known_versions());
    exit_code = kUnsupported;
    return std::nullopt;
  }
  if (const auto done = finish_versions(raw, options); !done) {
    exit_code = mistake(text_of(done.error()));
    return std::nullopt;
  }
  auto url = native::Url::parse(raw.relay);
  if (!url) {
    exit_code = mistake(text_of(url.error()));
    return std::nullopt;
  }
  options.url = *std::move(url);
  return options;
}

}  // namespace moq::interop
