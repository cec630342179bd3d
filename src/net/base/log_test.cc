#include "net/base/log.h"

#include <gtest/gtest.h>

#include <string>

namespace moq::log {
namespace {

std::string g_seen;

TEST(LogTest, APeersControlCharactersAreReplaced) {
  set_sink([](Level, std::string_view line) { g_seen = line; }, Level::info);
  info("/{}: {}", "room", "\xc3\xa4");
  EXPECT_EQ(g_seen, "/room: \xc3\xa4");
  info("/{}", "a\n\x1b[2Jb\x7f");
  EXPECT_EQ(g_seen, "/a??[2Jb?");
  set_sink(nullptr, Level::off);
}

}  // namespace
}  // namespace moq::log
