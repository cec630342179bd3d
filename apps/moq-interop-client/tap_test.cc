#include "moq-interop-client/tap.h"

#include <gtest/gtest.h>

namespace moq::interop {
namespace {

using std::chrono::milliseconds;

TEST(Tap, HeadHasVersionNameAndPlan) {
  EXPECT_EQ(tap_head(10, {"a client", "Draft: draft-18"}),
            "TAP version 14\n# a client\n# Draft: draft-18\n1..10\n");
}

TEST(Tap, PassedCaseHasItsDuration) {
  EXPECT_EQ(tap_result(3, {.id = "setup-only", .duration = milliseconds(24)}),
            "ok 3 - setup-only\n  ---\n  duration_ms: 24\n  ...\n");
}

TEST(Tap, FailedCaseSaysWhatCameInPlaceOfWhat) {
  EXPECT_EQ(tap_result(1, {.id = "announce-only",
                           .wrong = Failure{.expected = "REQUEST_OK", .received = "nothing"},
                           .duration = milliseconds(2000),
                           .version = "moq-transport-18"}),
            "not ok 1 - announce-only\n"
            "  ---\n"
            "  duration_ms: 2000\n"
            "  version: \"moq-transport-18\"\n"
            "  expected: \"REQUEST_OK\"\n"
            "  received: \"nothing\"\n"
            "  ...\n");
}

TEST(Tap, SkippedCaseIsOkAndSaysWhy) {
  EXPECT_EQ(tap_result(9, {.id = "drain", .skipped = "no way to drain"}),
            "ok 9 - drain # SKIP no way to drain\n");
}

TEST(Tap, WhatARelayHasSentStaysInItsPlace) {
  const std::string text =
      tap_result(1, {.id = "x", .wrong = Failure{.received = "a \"b\"\n  ...\nok 2 - y \\ \xff"}});
  EXPECT_NE(text.find("  received: \"a \\\"b\\\"\\x0a  ...\\x0aok 2 - y \\\\ \\xff\"\n"),
            std::string::npos)
      << text;
}

TEST(Tap, BailOutIsOneLine) {
  EXPECT_EQ(tap_bail_out("it\nis # over"), "Bail out! it is \\# over\n");
}

}  // namespace
}  // namespace moq::interop
