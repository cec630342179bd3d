#include "moq-token/options.h"

#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace moq::token_cli {

namespace {

/// As the reference's, whose parser of flags has it so.
constexpr int kWrongFlags = 2;

constexpr std::string_view kExamples = R"(
A relay lets a client do what its token grants: publish below some paths, subscribe below some.
Whoever has the private key makes tokens; the relay needs the public one.

Examples:
  # a pair of keys: private.jwk stays with you, public.jwk goes to the relay
  moq-token generate --algorithm EdDSA --out private.jwk --public public.jwk

  # may publish demo/bbb, and watch everything below demo/, until 2033
  moq-token sign --key private.jwk --root demo --publish bbb --subscribe "" \
      --expires 2000000000 > token.jwt

  # a client connects with it
  moq --client-connect "https://relay.example.com/demo?jwt=$TOKEN" --broadcast bbb import video.mp4

  # says what a token grants, if it is good
  moq-token verify --key public.jwk < token.jwt

Exit status: 0; 1 when it could not be done, or a token is not valid; 2 for wrong flags.)";

constexpr std::string_view kGenerateNotes = R"(
Files with a secret in them get mode 0600: only you can read them. With HS256, HS384 and HS512
there is one key for both sides, so the relay could sign, too; the others have a public half.
Keys are written in base64url of JSON, with --base64 or without it.
With --publish or --subscribe, the key has a scope, and no token of it may ever grant more.

Examples:
  moq-token generate --out key.jwk
  moq-token generate --algorithm ES256 --out-dir private/ --public-dir keys/   # for auth.key_dir
  moq-token generate --root project --publish live --subscribe "" --out scoped.jwk)";

constexpr std::string_view kSignNotes = R"(
"" grants all below the root; without the flag, nothing is granted. Prefixes match whole names:
"room" grants room and room/1, but not rooms. The token goes to standard output.

Examples:
  moq-token sign --key key.jwk --root rooms/123 --publish alice --subscribe ""
  moq-token sign --key key.jwk --root demo --subscribe "" --expires $(date -d '+1 hour' +%s))";

constexpr std::string_view kVerifyNotes = R"(
Writes the token's claims to standard output as JSON, if this key signed it and it has not expired.

Examples:
  moq-token verify --key public.jwk < token.jwt
  moq-token verify --key public.jwk --in token.jwt)";

struct Raw {
  GenerateOptions generate;
  SignOptions sign;
  VerifyOptions verify;
};

/// One value each time, which may be empty; CLI11's own lists read "{}" and "[a]" as lists.
CLI::Option* add_list(CLI::App& verb, const std::string& flag, std::vector<std::string>& list,
                      const std::string& what) {
  return verb
      .add_option(
          flag,
          [&list](const CLI::results_t& values) {
            list = values;
            return true;
          },
          what)
      ->take_all()
      ->allow_extra_args(false)
      ->type_name("PATH");
}

CLI::Option* add_time(CLI::App& verb, const std::string& flag, std::optional<token::UnixTime>& time,
                      const std::string& what) {
  return verb
      .add_option_function<std::string>(
          flag,
          [&time, flag](const std::string& text) {
            std::int64_t seconds = 0;
            const char* end = text.data() + text.size();
            const auto read = std::from_chars(text.data(), end, seconds);
            if (read.ec != std::errc() || read.ptr != end || seconds < 0) {
              throw CLI::ValidationError(flag, "\"" + text +
                                                   "\" is not a number of seconds since 1970, as "
                                                   "date +%s writes it");
            }
            time = token::UnixTime(std::chrono::seconds(seconds));
          },
          what)
      ->type_name("SECONDS");
}

/// The last first, as CLI11 takes them. `--publish=` is a flag and a value that is empty, which it
/// would not find there.
std::vector<std::string> words_of(int argc, const char* const* argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) {
    std::string word = argv[i];
    if (word.starts_with("--") && word.find('=') == word.size() - 1) {
      word.pop_back();
      words.emplace_back();
    }
    words.push_back(std::move(word));
  }
  return words;
}

CLI::App* add_generate(CLI::App& app, GenerateOptions& options) {
  CLI::App* verb = app.add_subcommand("generate", "Make a key, or a pair of keys");
  verb->footer(std::string(kGenerateNotes));
  verb->add_option_function<std::string>(
          "--algorithm",
          [&options](const std::string& name) {
            const auto algorithm = token::parse_algorithm(name);
            if (!algorithm) {
              throw CLI::ValidationError("--algorithm",
                                         "\"" + name + "\" is none of " + token::algorithm_names());
            }
            options.algorithm = *algorithm;
          },
          token::algorithm_names())
      ->type_name("NAME")
      ->default_str("HS256");
  verb->add_option("--id", options.id,
                   "Name of the key, \"kid\": letters, digits, \"-\" and \"_\" [default: random]")
      ->type_name("KID");
  CLI::Option* out =
      verb->add_option("--out", options.out, "Write the key here [default: - (standard output)]")
          ->type_name("FILE");
  verb->add_option("--out-dir", options.out_dir, "Write the key here as KID.jwk")
      ->type_name("FOLDER")
      ->excludes(out);
  CLI::Option* public_out =
      verb->add_option("--public", options.public_out, "Write the public half here, too")
          ->type_name("FILE");
  verb->add_option("--public-dir", options.public_dir, "Write the public half here as KID.jwk")
      ->type_name("FOLDER")
      ->excludes(public_out);
  verb->add_flag("--base64")
      ->description(
          "No effect: keys are in base64url anyway. For scripts made for npm's @moq/token");
  verb->add_option("--root", options.scope.root,
                   "What the scope's --publish and --subscribe are below")
      ->type_name("PATH")
      ->group("Scope");
  add_list(*verb, "--publish", options.scope.put, "What the key may let publish; repeatable")
      ->group("Scope");
  add_list(*verb, "--subscribe", options.scope.get, "What the key may let subscribe; repeatable")
      ->group("Scope");
  return verb;
}

CLI::App* add_sign(CLI::App& app, SignOptions& options) {
  CLI::App* verb = app.add_subcommand("sign", "Make a token");
  verb->footer(std::string(kSignNotes));
  verb->add_option("--key", options.key, "The private key; - is standard input")
      ->type_name("FILE")
      ->required();
  verb->add_option("--root", options.claims.root, "What --publish and --subscribe are below")
      ->type_name("PATH");
  add_list(*verb, "--publish", options.claims.put, "Grant to publish below this; repeatable");
  add_list(*verb, "--subscribe", options.claims.get, "Grant to subscribe below this; repeatable");
  add_time(*verb, "--expires", options.claims.exp, "Not valid from then on [default: for ever]");
  add_time(*verb, "--issued", options.claims.iat, "Say that it was made then");
  return verb;
}

CLI::App* add_verify(CLI::App& app, VerifyOptions& options) {
  CLI::App* verb = app.add_subcommand("verify", "Say what a token grants, if it is valid");
  verb->footer(std::string(kVerifyNotes));
  verb->add_option("--key", options.key, "The key, public or private; - is standard input")
      ->type_name("FILE")
      ->required();
  verb->add_option("--in", options.in, "The token; - is standard input")
      ->type_name("FILE")
      ->capture_default_str();
  return verb;
}

}  // namespace

std::optional<Options> parse_options(int argc, const char* const* argv, int& exit_code) {
  Raw raw;
  CLI::App app("moq-token: keys and tokens for MoQ relays", "moq-token");
  app.set_version_flag("--version", "moq-token " MOQ_VERSION);
  app.footer(std::string(kExamples));
  app.require_subcommand(1);
  const CLI::App* generate = add_generate(app, raw.generate);
  const CLI::App* sign = add_sign(app, raw.sign);
  add_verify(app, raw.verify);
  try {
    app.parse(words_of(argc, argv));
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : kWrongFlags;
    return std::nullopt;
  }
  if (generate->parsed()) return raw.generate;
  if (sign->parsed()) return raw.sign;
  return raw.verify;
}

}  // namespace moq::token_cli
