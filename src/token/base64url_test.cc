#include "token/base64url.h"

#include <utility>

#include <gtest/gtest.h>

namespace moq::token {
namespace {

Octets octets(std::string_view text) { return {text.begin(), text.end()}; }

// RFC 4648 §10, without padding.
TEST(Base64url, KnownAnswers) {
  constexpr std::pair<const char*, const char*> kRows[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"}};
  for (const auto& [plain, encoded] : kRows) {
    EXPECT_EQ(encode_base64url(as_bytes(plain)), encoded);
    EXPECT_EQ(decode_base64url(encoded), octets(plain)) << encoded;
    EXPECT_EQ(decode_padded_base64url(encoded), octets(plain)) << encoded;
  }
}

TEST(Base64url, EveryByteComesBack) {
  Octets all;
  for (int i = 0; i < 256; ++i) {
    all.push_back(static_cast<std::uint8_t>(i));
    EXPECT_EQ(decode_base64url(encode_base64url(all)), all);
  }
}

TEST(Base64url, ThereIsOneTextForEachValue) {
  for (const char* text : {"Z", "Zm9vY", "Zg==", "Zm8=", "Zm9v====", "Z g", "Zg\n", " Zg", "Zg.",
                           "+/+/", "Zh", "Zm9", "Zm9vYh", "Zg\xc3\xa9"}) {
    EXPECT_EQ(decode_base64url(text), std::nullopt) << text;
  }
}

TEST(Base64url, PaddingIsAllowedWhereItIsRight) {
  EXPECT_EQ(decode_padded_base64url("Zg=="), octets("f"));
  EXPECT_EQ(decode_padded_base64url("Zm8="), octets("fo"));
  for (const char* text : {"Zg=", "Zg===", "Zm8==", "Zm9v=", "=", "==", "====", "Zh==", "Z==="}) {
    EXPECT_EQ(decode_padded_base64url(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace moq::token
