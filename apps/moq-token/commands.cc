#include "moq-token/commands.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "moq-token/files.h"
#include "token/error.h"
#include "token/key.h"
#include "token/limits.h"

namespace moq::token_cli {

namespace {

using token::Key;
using token::TokenError;

/// Bytes around a token or a key that are not of it: white space.
constexpr std::size_t kMargin = 4096;

Error at(const std::string& path, const Error& error) {
  return {error.domain(), error.code(),
          fmt::format("{}: {}", is_standard(path) ? "standard input" : path, error.detail())};
}

Result<Key> read_key(const std::string& path) {
  MOQ_TRY(const std::string text, read_file(path, token::kMaxKeySize + kMargin));
  auto key = Key::parse(text);
  if (!key) return fail(at(path, key.error()));
  return key;
}

Result<void> write_key(const Key& key, const std::string& path) {
  MOQ_TRY(const std::string text, key.to_text());
  return write_file(path, text, key.is_private());
}

/// Where a half of the key goes: a file, or a folder's file that is named after it.
std::optional<std::string> target(const std::optional<std::string>& file,
                                  const std::optional<std::string>& folder,
                                  const token::KeyId& id) {
  if (!folder) return file;
  return (std::filesystem::path(*folder) / (id.text() + ".jwk")).string();
}

bool is_same(const std::string& one, const std::string& other) {
  std::error_code unknown;
  return std::filesystem::path(one).lexically_normal() ==
             std::filesystem::path(other).lexically_normal() ||
         std::filesystem::equivalent(one, other, unknown);
}

Result<void> generate(const GenerateOptions& options) {
  MOQ_TRY(const token::KeyId id,
          options.id ? token::KeyId::parse(*options.id) : token::KeyId::random());
  const std::string out = target(options.out, options.out_dir, id).value_or("-");
  const auto public_out = target(options.public_out, options.public_dir, id);
  if (public_out && is_same(out, *public_out)) {
    return fail(FileError::write,
                fmt::format("both keys cannot go to {}; write one to a file of its own by --out or "
                            "--public",
                            is_standard(out) ? "standard output" : out));
  }
  MOQ_TRY(Key key, Key::generate(options.algorithm, id));
  if (!options.scope.put.empty() || !options.scope.get.empty()) {
    MOQ_TRY(key, key.with_scope(options.scope));
  } else if (!options.scope.root.empty()) {
    fmt::print(stderr, "moq-token: --root is of no effect without --publish or --subscribe\n");
  }
  // A public half is of no use without the key that signs.
  std::optional<Key> half;
  if (public_out) {
    MOQ_TRY(half, key.to_public());
  }
  MOQ_CHECK_OK(write_key(key, out));
  if (half) MOQ_CHECK_OK(write_key(*half, *public_out));
  return {};
}

Result<void> sign(const SignOptions& options) {
  MOQ_TRY(const Key key, read_key(options.key));
  if (!options.claims.require_grant()) {
    return fail(
        TokenError::useless,
        "a token without --publish and --subscribe grants nothing; \"\" is all below --root");
  }
  MOQ_TRY(const std::string token, key.sign(options.claims));
  return write_file("-", token, /*secret=*/true);
}

Result<void> verify(const VerifyOptions& options) {
  if (is_standard(options.key) && is_standard(options.in)) {
    return fail(FileError::read,
                "the key and the token cannot both come from standard input; name a file by --in");
  }
  MOQ_TRY(const Key key, read_key(options.key));
  MOQ_TRY(const std::string text, read_file(options.in, token::kMaxTokenSize + kMargin));
  constexpr std::string_view kSpace = " \t\r\n";
  std::string_view token = text;
  token.remove_prefix(std::min(token.find_first_not_of(kSpace), token.size()));
  token = token.substr(0, token.find_last_not_of(kSpace) + 1);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto claims = key.verify(token, now);
  if (!claims) return fail(at(options.in, claims.error()));
  MOQ_TRY(const std::string json, claims->to_json());
  return write_file("-", nlohmann::ordered_json::parse(json).dump(2), /*secret=*/false);
}

struct Runner {
  Result<void> operator()(const GenerateOptions& options) const { return generate(options); }
  Result<void> operator()(const SignOptions& options) const { return sign(options); }
  Result<void> operator()(const VerifyOptions& options) const { return verify(options); }
};

}  // namespace

int run(const Options& options) {
  const auto done = std::visit(Runner{}, options);
  if (done) return 0;
  fmt::print(stderr, "moq-token: {}\n", done.error().detail());
  return 1;
}

}  // namespace moq::token_cli
