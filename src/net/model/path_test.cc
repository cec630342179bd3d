#include "net/model/path.h"

#include <gtest/gtest.h>

namespace moq {
namespace {

TEST(Path, DropsNeedlessSlashes) {
  EXPECT_EQ(Path("/a//b/").text(), "a/b");
  EXPECT_EQ(Path("a/b").text(), "a/b");
  EXPECT_EQ(Path("///").text(), "");
  EXPECT_TRUE(Path("").empty());
  EXPECT_EQ(Path("a"), Path("/a/"));
}

TEST(Path, PrefixesAreWholeSegments) {
  const Path room_a("room/a");
  EXPECT_TRUE(room_a.has_prefix(Path("")));
  EXPECT_TRUE(room_a.has_prefix(Path("room")));
  EXPECT_TRUE(room_a.has_prefix(room_a));
  EXPECT_FALSE(Path("rooms").has_prefix(Path("room")));
  EXPECT_FALSE(Path("room").has_prefix(room_a));
  EXPECT_FALSE(Path("").has_prefix(room_a));
}

TEST(Path, WithoutAndJoinAreInverse) {
  const Path path("room/a/b");
  for (const char* prefix : {"", "room", "room/a", "room/a/b"}) {
    EXPECT_EQ(Path(prefix).join(path.without(Path(prefix))), path) << prefix;
  }
  EXPECT_EQ(path.without(Path("room")).text(), "a/b");
  EXPECT_EQ(path.without(path).text(), "");
}

TEST(Path, Split) {
  const Path path("room/a/b");
  EXPECT_EQ(path.split(), (std::pair<std::string_view, std::string_view>("room", "a/b")));
  const Path one("room");
  EXPECT_EQ(one.split(), (std::pair<std::string_view, std::string_view>("room", "")));
  EXPECT_EQ(Path().split(), (std::pair<std::string_view, std::string_view>("", "")));
}

}  // namespace
}  // namespace moq
