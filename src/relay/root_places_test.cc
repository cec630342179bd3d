#include "relay/root_places.h"

#include <gtest/gtest.h>

namespace moq::relay {
namespace {

TEST(RootPlacesTest, EachRootHasSoMany) {
  const auto places = std::make_shared<RootPlaces>(2);
  const Path room("room");
  auto first = places->take(room);
  const auto second = places->take(room);
  EXPECT_NE(first, nullptr);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(places->take(room), nullptr);
  EXPECT_EQ(places->taken(room), 2U);
  // Neither another one, nor one below it.
  EXPECT_NE(places->take(Path("other")), nullptr);
  EXPECT_NE(places->take(Path("room/1")), nullptr);
  first.reset();
  EXPECT_EQ(places->taken(room), 1U);
  EXPECT_NE(places->take(room), nullptr);
}

TEST(RootPlacesTest, WithoutALimitThereIsAlwaysOne) {
  const auto places = std::make_shared<RootPlaces>(0);
  EXPECT_NE(places->take(Path("room")), nullptr);
  EXPECT_NE(places->take(Path("room")), nullptr);
}

TEST(RootPlacesTest, APlaceMayOutliveTheRest) {
  auto places = std::make_shared<RootPlaces>(1);
  const auto place = places->take(Path("room"));
  places.reset();
  EXPECT_NE(place, nullptr);
}

}  // namespace
}  // namespace moq::relay
