#include "moq-token/options.h"

#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::token_cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Parsed {
  std::optional<Options> options;
  int exit_code = -1;
  std::string errors;
  std::string output;
};

Parsed parse(std::vector<const char*> words) {
  words.insert(words.begin(), "moq-token");
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  Parsed parsed;
  parsed.options = parse_options(static_cast<int>(words.size()), words.data(), parsed.exit_code);
  parsed.errors = ::testing::internal::GetCapturedStderr();
  parsed.output = ::testing::internal::GetCapturedStdout();
  return parsed;
}

TEST(TokenOptions, Generate) {
  const auto plain = std::get<GenerateOptions>(*parse({"generate"}).options);
  EXPECT_EQ(plain.algorithm, token::Algorithm::hs256);
  EXPECT_EQ(plain.id, std::nullopt);
  EXPECT_EQ(plain.out, std::nullopt);
  const auto all = std::get<GenerateOptions>(
      *parse({"generate", "--algorithm", "EdDSA", "--id", "k", "--out", "-", "--public-dir", "p/",
              "--root", "r", "--publish", "a", "--publish=b", "--subscribe", ""})
           .options);
  EXPECT_EQ(all.algorithm, token::Algorithm::eddsa);
  EXPECT_EQ(all.id, "k");
  EXPECT_EQ(all.out, "-");
  EXPECT_EQ(all.public_dir, "p/");
  EXPECT_EQ(all.scope, (token::KeyScope{.root = "r", .put = {"a", "b"}, .get = {""}}));
}

TEST(TokenOptions, Sign) {
  const auto sign =
      std::get<SignOptions>(*parse({"sign", "--key", "-", "--root", "demo", "--publish", "{}",
                                    "--publish", "[a,b]", "--publish", "a,b", "--subscribe", "",
                                    "--expires", "9223372036854775807", "--issued", "0"})
                                 .options);
  EXPECT_EQ(sign.key, "-");
  EXPECT_EQ(sign.claims.root, "demo");
  EXPECT_THAT(sign.claims.put, ElementsAre("{}", "[a,b]", "a,b"));
  EXPECT_THAT(sign.claims.get, ElementsAre(""));
  EXPECT_EQ(sign.claims.exp, token::UnixTime::max());
  EXPECT_EQ(sign.claims.iat, token::UnixTime());
  const auto read_only =
      std::get<SignOptions>(*parse({"sign", "--key", "k", "--subscribe="}).options);
  EXPECT_THAT(read_only.claims.put, IsEmpty());
  EXPECT_THAT(read_only.claims.get, ElementsAre(""));
}

TEST(TokenOptions, Verify) {
  const auto verify = std::get<VerifyOptions>(*parse({"verify", "--key", "k"}).options);
  EXPECT_EQ(verify.key, "k");
  EXPECT_EQ(verify.in, "-");
  EXPECT_EQ(std::get<VerifyOptions>(*parse({"verify", "--key", "k", "--in", "t"}).options).in, "t");
}

TEST(TokenOptions, Mistakes) {
  const std::pair<std::vector<const char*>, const char*> rows[] = {
      {{}, "subcommand is required"},
      {{"encrypt"}, "subcommand is required"},
      {{"sign"}, "--key"},
      {{"verify"}, "--key"},
      {{"generate", "--algorithm", "none"}, "is none of HS256"},
      {{"generate", "--algorithm", "hs256"}, "is none of HS256"},
      {{"generate", "--out", "a", "--out-dir", "b"}, "--out"},
      {{"generate", "--public", "a", "--public-dir", "b"}, "--public"},
      {{"generate", "--out", "a", "--out", "b"}, "--out"},
      {{"sign", "--key", "k", "--expires", "-1"}, "--expires"},
      {{"sign", "--key", "k", "--expires=-1"}, "seconds since 1970"},
      {{"sign", "--key", "k", "--expires", "tomorrow"}, "seconds since 1970"},
      {{"sign", "--key", "k", "--expires", "1.5"}, "seconds since 1970"},
      {{"sign", "--key", "k", "--expires", ""}, "seconds since 1970"},
      {{"sign", "--key", "k", "--issued", "9223372036854775808"}, "seconds since 1970"},
      {{"sign", "--key", "k", "--publish"}, "--publish"},
      {{"sign", "--key", "k", "--publish", "a", "b"}, "b"},
  };
  for (const auto& [words, said] : rows) {
    const Parsed parsed = parse(words);
    SCOPED_TRACE(said);
    EXPECT_FALSE(parsed.options);
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.errors, HasSubstr(said));
  }
}

TEST(TokenOptions, HelpTeaches) {
  for (const auto& [words, said] : {std::pair<std::vector<const char*>, const char*>{
                                        {"--help"}, "public.jwk goes to the relay"},
                                    {{"generate", "--help"}, "mode 0600"},
                                    {{"sign", "--help"}, "grants all below the root"},
                                    {{"verify", "--help"}, "has not expired"}}) {
    const Parsed parsed = parse(words);
    EXPECT_EQ(parsed.exit_code, 0);
    EXPECT_THAT(parsed.output, HasSubstr(said));
  }
}

}  // namespace
}  // namespace moq::token_cli
