#include "native/client/fingerprint.h"

#include <gtest/gtest.h>

namespace moq::native {
namespace {

const std::string kHex(64, 'a');

TEST(FingerprintTest, WhiteSpaceAndUpperCaseDoNotMatter) {
  EXPECT_EQ(parse_fingerprint(kHex), kHex);
  EXPECT_EQ(parse_fingerprint(" \r\n" + kHex + "\r\n"), kHex);
  EXPECT_EQ(parse_fingerprint(std::string(64, 'A')), kHex);
}

TEST(FingerprintTest, WhatIsNoFingerprintIsRefused) {
  EXPECT_FALSE(parse_fingerprint(""));
  EXPECT_FALSE(parse_fingerprint(kHex + "a"));
  EXPECT_FALSE(parse_fingerprint(kHex.substr(1)));
  EXPECT_FALSE(parse_fingerprint(kHex.substr(1) + "g"));
  EXPECT_FALSE(parse_fingerprint("<!DOCTYPE html>"));
}

}  // namespace
}  // namespace moq::native
