#include "common/logging.h"

#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace moq::apps {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;

const log::Name kName{.text = "moq-lite-05 [::1]:4443", .connection = 17};

/// What `say` leaves on standard error.
std::vector<std::string> lines(Logging::Format format, void (*say)()) {
  testing::internal::CaptureStderr();
  {
    const Logging logging(log::Level::debug, format);
    say();
  }
  std::istringstream text(testing::internal::GetCapturedStderr());
  std::vector<std::string> all;
  for (std::string line; std::getline(text, line);) all.push_back(line);
  return all;
}

TEST(LoggingTest, TextNamesTheConnection) {
  const auto said = lines(Logging::Format::text, [] {
    log::info("{}: connected", kName);
    log::warn("100 {{}} %v");
  });
  ASSERT_THAT(said, SizeIs(2));
  EXPECT_THAT(said[0], MatchesRegex("[0-9-]+T[0-9:.]+[+-][0-9:]+  ?info conn=17 moq-lite-05 "
                                    "\\[::1\\]:4443: connected"));
  EXPECT_THAT(said[1], testing::EndsWith("warning 100 {} %v"));
}

TEST(LoggingTest, JsonIsAnObjectALine) {
  const auto said = lines(Logging::Format::json, [] {
    log::debug("{}: connected", kName);
    log::error("nobody's");
  });
  ASSERT_THAT(said, SizeIs(2));
  const json first = json::parse(said[0]);
  EXPECT_THAT(first["time"].get<std::string>(),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z"));
  EXPECT_EQ(first["level"], "debug");
  EXPECT_EQ(first["conn"], 17);
  EXPECT_EQ(first["message"], "moq-lite-05 [::1]:4443: connected");
  const json second = json::parse(said[1]);
  EXPECT_EQ(second["level"], "error");
  EXPECT_FALSE(second.contains("conn"));
}

TEST(LoggingTest, WhatAPeerSendsStaysInItsString) {
  const auto said = lines(Logging::Format::json, [] {
    log::info("{}: {}", kName, "\",\"level\":\"error\\");
    log::info("{}: a\n{{}}\x1b[2J", kName);
    log::info("{}: \xff\xc3(\xed\xa0\x80", kName);
    log::info("{}: \xc3\xa4 \xf0\x9f\x8e\xa5", kName);
  });
  ASSERT_THAT(said, SizeIs(4));
  EXPECT_EQ(json::parse(said[0])["level"], "info");
  EXPECT_THAT(json::parse(said[0])["message"].get<std::string>(),
              HasSubstr("\",\"level\":\"error\\"));
  EXPECT_THAT(json::parse(said[1])["message"].get<std::string>(), HasSubstr("a?{}?[2J"));
  EXPECT_THAT(json::parse(said[2])["message"].get<std::string>(), HasSubstr("\xef\xbf\xbd("));
  EXPECT_THAT(json::parse(said[3])["message"].get<std::string>(),
              HasSubstr("\xc3\xa4 \xf0\x9f\x8e\xa5"));
}

}  // namespace
}  // namespace moq::apps
