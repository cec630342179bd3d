#include <fmt/format.h>

#include "relay/sources.h"

namespace moq::relay {

namespace {

constexpr std::size_t kWidth = 80;
constexpr std::string_view kIndent = "      ";

constexpr std::string_view kIntroduction =
    R"(moq-relay: a Media over QUIC relay

Usage: moq-relay [OPTIONS] [FILE]

  FILE is a TOML file. A flag beats an environment variable, which beats the
  file. Everything is checked before the first socket is opened.

Examples:
  Try it out, with a self-signed certificate and no access control:
    moq-relay --server-bind '[::]:4443' --web-http-listen '[::]:4443' \
              --tls-generate localhost --auth-public ''

  Run it, from a file:
    moq-relay relay.toml

    [server]
    bind = "[::]:443"
    tls.cert = "cert.pem"
    tls.key = "key.pem"

    [auth]
    key = "root.jwk"   # moq-token generate --out root.jwk
    public = "anon"    # what needs no token
)";

constexpr std::string_view kOther = R"(
Other:
  --check
      Check the configuration, its certificates and its keys, print what is set,
      where, and the defaults, and exit: with 0, or 2 when something is wrong.
      No socket is opened.
  -h, --help
      This text.
  -V, --version
      The version.

)";

constexpr std::string_view kSignals = R"(Signals and exit codes:
  The first SIGINT or SIGTERM drains: no connection is accepted any more, every
  session is asked to leave with GOAWAY, /ready answers 503, and the program
  exits with 0 the moment that the last session has left. The second ends it at
  once, with 130 after SIGINT and 143 after SIGTERM. 2: the configuration is
  wrong. 1: anything else. A drain that POST /drain began is the first signal's
  once that comes.
)";

void wrap(std::string& out, std::string_view text) {
  std::size_t column = 0;
  for (const std::string& word : words(text)) {
    if (column == 0 || column + 1 + word.size() > kWidth) {
      out += column == 0 ? "" : "\n";
      out += kIndent;
      column = kIndent.size();
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += '\n';
}

void describe(std::string& out, const Key& key) {
  out += fmt::format("  --{} {}\n", flag_names(key).front(), key.placeholder);
  wrap(out, key.help);
  std::string facts;
  if (!key.shown_default.empty()) facts += fmt::format("[default: {}] ", key.shown_default);
  if (!key.toml.empty()) facts += fmt::format("[file: {}] ", words(key.toml).front());
  facts += fmt::format("[env: {}]", words(key.env).front());
  wrap(out, facts);
}

}  // namespace

std::string help_text() {
  std::string out(kIntroduction);
  std::string_view group;
  for (const Key& key : all_keys()) {
    if (key.support != Support::now || key.group.empty()) continue;
    if (key.group != group) out += fmt::format("\n{}:\n", key.group);
    group = key.group;
    describe(out, key);
  }
  out += kOther;
  out += kSignals;

  std::string later;
  std::string refused;
  for (const Key& key : all_keys()) {
    if (key.support == Support::now) continue;
    std::string& list = key.support == Support::later ? later : refused;
    list += key.name() + " ";
  }
  out += "\nKnown, but without effect in this version (a warning says so):\n";
  wrap(out, later);
  out += "\nKnown, and refused in this version, since access depends on them:\n";
  wrap(out, refused);
  return out;
}

std::string version_text() { return "moq-relay " MOQ_VERSION "\n"; }

}  // namespace moq::relay
