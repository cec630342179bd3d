#include "net/base/log.h"

#include <gtest/gtest.h>

#include <string>

namespace moq::log {
namespace {

std::string g_seen;
std::uint64_t g_connection = 0;

void keep(const Line& line) {
  g_seen = line.text;
  g_connection = line.connection;
}

TEST(LogTest, APeersControlCharactersAreReplaced) {
  set_sink(keep, Level::info);
  info("/{}: {}", "room", "\xc3\xa4");
  EXPECT_EQ(g_seen, "/room: \xc3\xa4");
  info("/{}", "a\n\x1b[2Jb\x7f");
  EXPECT_EQ(g_seen, "/a??[2Jb?");
  set_sink(nullptr, Level::off);
}

TEST(LogTest, ALineIsAboutTheConnectionThatItNames) {
  set_sink(keep, Level::info);
  const Name name{.text = "moq-lite-05 [::1]:4443", .connection = 17};
  info("{}: {}: {}", 3, name, "connected");
  EXPECT_EQ(g_seen, "3: moq-lite-05 [::1]:4443: connected");
  EXPECT_EQ(g_connection, 17U);
  info("{}", "nobody's");
  EXPECT_EQ(g_connection, 0U);
  info("{} and {}", Name{.text = "a", .connection = 4}, name);
  EXPECT_EQ(g_connection, 4U);
  set_sink(nullptr, Level::off);
}

}  // namespace
}  // namespace moq::log
