#include "net/model/origin.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "net/model/error.h"

namespace moq {
namespace {

/// Writes each batch down as "+path[hops]" and "-path".
struct Announced : AnnounceReader {
  std::vector<std::string> batches;
  std::vector<std::shared_ptr<Broadcast>> broadcasts;
  std::function<void()> then;
  void on_announcements(const std::vector<Announcement>& changes) override {
    std::string text;
    for (const Announcement& change : changes) {
      if (!text.empty()) text += ' ';
      text += change.broadcast == nullptr
                  ? fmt::format("-{}", change.path.text())
                  : fmt::format("+{}[{}]", change.path.text(), fmt::join(change.hops, ","));
      if (change.broadcast != nullptr) broadcasts.push_back(change.broadcast);
    }
    batches.push_back(text);
    if (then) {
      auto now = then;
      now();
    }
  }
  /// The batches since the last time, with bars between.
  std::string take() { return fmt::format("{}", fmt::join(std::exchange(batches, {}), "|")); }
};

struct OriginTest : ::testing::Test {
  static constexpr HopId kOwn = 99;
  Loop loop;
  Cache cache{std::make_shared<CacheBudget>()};
  std::unique_ptr<Origin> origin = std::make_unique<Origin>(loop, kOwn);
  Announced heard;
  int alice = 0;  // their addresses are peers
  int bob = 0;

  std::shared_ptr<Broadcast> broadcast() { return std::make_shared<Broadcast>(loop, cache); }
  void run() { loop.run(loop.now()); }

  std::unique_ptr<Origin::Publication> publish(const char* path, Route route = {},
                                               const std::shared_ptr<Broadcast>& what = nullptr) {
    auto made = origin->publish(Path(path), what ? what : broadcast(), std::move(route));
    EXPECT_TRUE(made) << made.error().message();
    return made ? std::move(*made) : nullptr;
  }
};

TEST_F(OriginTest, FirstBatchIsAllThatIsThere) {
  auto b = publish("room/b");
  auto a = publish("room/a", {{1, 2}, &alice});
  auto room = publish("room");
  auto rooms = publish("rooms/c");
  auto dashed = publish("room-d");
  auto watch = origin->watch(Path("room"), heard);
  EXPECT_EQ(heard.take(), "");
  run();
  EXPECT_EQ(heard.take(), "+room[] +room/a[1,2] +room/b[]");
  EXPECT_EQ(watch->prefix(), Path("room"));
  Announced all;
  auto everything = origin->watch(Path(), all);
  run();
  EXPECT_EQ(all.take(), "+room[] +room-d[] +room/a[1,2] +room/b[] +rooms/c[]");
  EXPECT_EQ(heard.batches.size(), 0U);
}

TEST_F(OriginTest, FirstBatchMayBeEmpty) {
  auto watch = origin->watch(Path("room"), heard);
  run();
  EXPECT_EQ(heard.batches, std::vector<std::string>{""});
}

TEST_F(OriginTest, ChangesComeInBatches) {
  auto watch = origin->watch(Path("room"), heard);
  run();
  heard.take();
  auto b = publish("room/b");
  auto a = publish("room/a");
  auto other = publish("hall/a");
  run();
  EXPECT_EQ(heard.take(), "+room/a[] +room/b[]");
  a.reset();
  auto c = publish("room/c");
  run();
  EXPECT_EQ(heard.take(), "-room/a +room/c[]");
  run();
  EXPECT_EQ(heard.batches.size(), 0U);
}

TEST_F(OriginTest, AnEndAndANewInstanceAreOneReplacement) {
  auto watch = origin->watch(Path(), heard);
  auto first = publish("a");
  run();
  auto second_broadcast = broadcast();
  first.reset();
  auto second = publish("a", {}, second_broadcast);
  run();
  EXPECT_EQ(heard.take(), "+a[]|+a[]");
  EXPECT_EQ(heard.broadcasts.back(), second_broadcast);
}

TEST_F(OriginTest, WhatTheTickUndoesIsNotTold) {
  auto watch = origin->watch(Path(), heard);
  run();
  heard.take();
  publish("a").reset();
  auto same = broadcast();
  run();
  auto kept = publish("b", {}, same);
  run();
  EXPECT_EQ(heard.take(), "+b[]");
  loop.post([&] {
    kept.reset();
    loop.post([&] { kept = publish("b", {}, same); });
  });
  run();
  EXPECT_EQ(heard.batches.size(), 0U);
}

TEST_F(OriginTest, OrderOfRoutes) {
  auto watch = origin->watch(Path(), heard);
  auto far = publish("a", {{1, 2, 3}, &alice});
  auto near = publish("a", {{4, 5}, &bob});
  run();
  EXPECT_EQ(heard.take(), "+a[4,5]");
  EXPECT_EQ(origin->find(Path("a")), near->broadcast());
  ASSERT_TRUE(near->update({{4, 5}, &bob, true}));
  EXPECT_TRUE(near->route().draining);
  run();
  EXPECT_EQ(heard.take(), "+a[1,2,3]") << "draining loses to any other";
  ASSERT_TRUE(far->update({{1, 2, 3}, &alice, true}));
  run();
  EXPECT_EQ(heard.take(), "+a[4,5]") << "though draining, it is there";
  near.reset();
  run();
  EXPECT_EQ(heard.take(), "+a[1,2,3]");
  EXPECT_EQ(origin->find(Path("a")), far->broadcast());
}

TEST_F(OriginTest, EqualRoutesGoByHash) {
  // FNV-1a with the reference's basis, computed apart:
  // "a" [1]: 0xa137c230ecca3dff, [2]: 0x44476d15cbfc5f9c;
  // "c" [1]: 0x7a631775c39451d9, [2]: 0x995dde7ece839bfa.
  for (const bool one_first : {true, false}) {
    for (const auto& [path, winner] : {std::pair("a", 2), std::pair("c", 1)}) {
      auto first = publish(path, {{one_first ? 1U : 2U}, &alice});
      auto second = publish(path, {{one_first ? 2U : 1U}, &bob});
      auto& best = (winner == 1) == one_first ? first : second;
      EXPECT_EQ(origin->find(Path(path)), best->broadcast()) << path;
    }
  }
}

TEST_F(OriginTest, EqualHopsGoByNewest) {
  auto old = publish("a", {{1}, &alice});
  auto newer = publish("a", {{1}, &bob});
  auto newest = publish("a", {{1}, &bob});
  EXPECT_EQ(origin->find(Path("a")), newest->broadcast());
  newest.reset();
  EXPECT_EQ(origin->find(Path("a")), newer->broadcast());
  ASSERT_TRUE(old->update({{1}, &alice}));
  EXPECT_EQ(origin->find(Path("a")), newer->broadcast()) << "an update makes nothing newer";
}

TEST_F(OriginTest, NewHopsAreAReplacement) {
  auto watch = origin->watch(Path(), heard);
  auto a = publish("a", {{1, 2}, &alice});
  run();
  heard.take();
  ASSERT_TRUE(a->update({{1, 3}, &alice}));
  run();
  EXPECT_EQ(heard.take(), "+a[1,3]");
  EXPECT_EQ(heard.broadcasts.front(), heard.broadcasts.back());
  ASSERT_TRUE(a->update({{1, 3}, &alice}));
  run();
  EXPECT_EQ(heard.batches.size(), 0U);
  EXPECT_EQ(a->path(), Path("a"));
}

TEST_F(OriginTest, TracksAreToldToWhoWantsToKnow) {
  Announced with_tracks;
  auto watch = origin->watch(Path(), heard);
  auto wanting = origin->watch(Path(), with_tracks, nullptr, 0, WatchTracks::yes);
  auto a = publish("a");
  run();
  heard.take();
  with_tracks.take();
  const auto tracks = std::make_shared<const std::set<std::string>>(std::set<std::string>{"video"});
  ASSERT_TRUE(a->update({.tracks = tracks}));
  run();
  EXPECT_EQ(heard.take(), "");
  EXPECT_EQ(with_tracks.take(), "+a[]");
  ASSERT_TRUE(a->update({.tracks = tracks}));
  run();
  EXPECT_EQ(with_tracks.take(), "") << "nothing has changed";
}

TEST_F(OriginTest, AWatcherIsNotToldOfItsOwn) {
  auto mine = publish("a", {{1}, &alice});
  auto theirs = publish("a", {{1, 2}, &bob});
  Announced by_alice;
  Announced by_bob;
  auto to_alice = origin->watch(Path(), by_alice, &alice);
  auto to_bob = origin->watch(Path(), by_bob, &bob);
  run();
  EXPECT_EQ(by_alice.take(), "+a[1,2]");
  EXPECT_EQ(by_bob.take(), "+a[1]");
  EXPECT_EQ(origin->find(Path("a"), &alice), theirs->broadcast());
  theirs.reset();
  run();
  EXPECT_EQ(by_alice.take(), "-a");
  EXPECT_EQ(by_bob.batches.size(), 0U) << "its best has not changed";
  EXPECT_EQ(origin->find(Path("a"), &alice), nullptr);
  EXPECT_EQ(origin->find(Path("a")), mine->broadcast());
  EXPECT_EQ(origin->find(Path("b")), nullptr);
}

TEST_F(OriginTest, LocalRoutesAreNobodysOwn) {
  auto local = publish("a");
  auto watch = origin->watch(Path(), heard, nullptr);
  run();
  EXPECT_EQ(heard.take(), "+a[]");
}

TEST_F(OriginTest, ExcludedHops) {
  auto a = publish("a", {{7, 8}, &alice});
  auto b = publish("b", {{0, 8}, &alice});
  auto watch = origin->watch(Path(), heard, nullptr, 7);
  Announced zero;
  auto second = origin->watch(Path(), zero, nullptr, 0);
  run();
  EXPECT_EQ(heard.take(), "+b[0,8]");
  EXPECT_EQ(zero.take(), "+a[7,8] +b[0,8]") << "0 matches nothing";
  auto longer = publish("a", {{1, 2, 3}, &bob});
  run();
  EXPECT_EQ(heard.take(), "+a[1,2,3]");
  EXPECT_EQ(zero.take(), "");
}

TEST_F(OriginTest, LoopsAreRefused) {
  const auto refused = origin->publish(Path("a"), broadcast(), {{1, kOwn, 3}, &alice});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(ModelError::loop));
  auto a = publish("a", {{1}, &alice});
  EXPECT_TRUE(a->update({{kOwn}, &alice}).error().is(ModelError::loop));
  EXPECT_EQ(a->route().hops, std::vector<HopId>{1});
  Origin endpoint(loop, 0);
  EXPECT_TRUE(endpoint.publish(Path("a"), broadcast(), {{0}, &alice})) << "0 is unknown, not ours";
}

TEST_F(OriginTest, Limits) {
  origin = std::make_unique<Origin>(
      loop, kOwn, Origin::Limits{.max_broadcasts = 2, .max_routes = 2, .max_hops = 3});
  auto a = publish("a");
  auto b = publish("b");
  EXPECT_EQ(origin->size(), 2U);
  EXPECT_TRUE(origin->publish(Path("c"), broadcast(), {}).error().is(ModelError::too_many));
  auto second = publish("a");
  EXPECT_TRUE(origin->publish(Path("a"), broadcast(), {}).error().is(ModelError::too_many));
  b.reset();
  EXPECT_TRUE(origin->publish(Path("c"), broadcast(), {{1, 2, 3, 4}, &alice})
                  .error()
                  .is(ModelError::too_many));
  EXPECT_TRUE(a->update({{1, 2, 3, 4}, &alice}).error().is(ModelError::too_many));
  auto c = publish("c", {{1, 2, 3}, &alice});
  EXPECT_EQ(origin->size(), 2U);
}

TEST_F(OriginTest, PathsAreLimited) {
  const std::string longest(Path::kMaxSize, 'x');
  EXPECT_TRUE(origin->publish(Path(longest), broadcast(), {}));
  EXPECT_TRUE(
      origin->publish(Path(longest + 'x'), broadcast(), {}).error().is(ModelError::invalid_path));
  // Hundreds of segments are nothing special.
  std::string deep;
  for (std::size_t i = 0; i < Path::kMaxSize / 2; ++i) deep += "d/";
  auto watch = origin->watch(Path(), heard);
  auto below = origin->watch(Path("d/d"), heard);
  auto made = origin->publish(Path(deep), broadcast(), {});
  run();
  EXPECT_EQ(heard.batches.size(), 2U);
}

TEST_F(OriginTest, AClosedBroadcastIsNotAnnounced) {
  auto watch = origin->watch(Path(), heard);
  auto best = publish("a", {{1}, &alice});
  auto other = publish("a", {{1, 2}, &bob});
  run();
  heard.take();
  best->broadcast()->close(ModelError::closed);
  run();
  EXPECT_EQ(heard.take(), "+a[1,2]");
  EXPECT_EQ(origin->find(Path("a")), other->broadcast());
  other->broadcast()->close(ModelError::closed);
  run();
  EXPECT_EQ(heard.take(), "-a");
  EXPECT_EQ(origin->find(Path("a")), nullptr);
  EXPECT_EQ(origin->size(), 1U) << "its publications are still there";
  best.reset();
  other.reset();
  run();
  EXPECT_EQ(heard.take(), "");
  EXPECT_EQ(origin->size(), 0U);
  auto dead = broadcast();
  dead->close(ModelError::closed);
  EXPECT_TRUE(origin->publish(Path("a"), dead, {}).error().is(ModelError::closed));
}

TEST_F(OriginTest, CallbacksMayDestroyWatches) {
  Announced second;
  auto one = origin->watch(Path(), heard);
  auto two = origin->watch(Path(), second);
  run();
  heard.take();
  second.take();
  heard.then = [&] {
    one.reset();
    two.reset();
  };
  auto a = publish("a");
  run();
  EXPECT_EQ(heard.take(), "+a[]");
  EXPECT_EQ(second.batches.size(), 0U);
  auto b = publish("b");
  run();
  EXPECT_EQ(heard.batches.size(), 0U);
}

TEST_F(OriginTest, CallbacksMayPublishAndWithdraw) {
  Announced second;
  auto one = origin->watch(Path(), heard);
  auto two = origin->watch(Path(), second);
  run();
  heard.take();
  second.take();
  auto a = publish("a");
  std::unique_ptr<Origin::Publication> b;
  heard.then = [&] {
    heard.then = nullptr;
    a.reset();
    b = publish("b");
  };
  run();
  EXPECT_EQ(heard.take(), "+a[]|-a +b[]");
  EXPECT_EQ(second.take(), "+a[]|-a +b[]");
}

TEST_F(OriginTest, CallbacksMayDestroyTheOrigin) {
  Announced second;
  auto one = origin->watch(Path(), heard);
  auto two = origin->watch(Path(), second);
  auto a = publish("a");
  heard.then = [&] { origin.reset(); };
  run();
  EXPECT_EQ(heard.take(), "+a[]");
  EXPECT_EQ(second.batches.size(), 0U);
  ASSERT_TRUE(a->update({{1}, &alice}));
  a->broadcast()->close(ModelError::closed);
  a.reset();
  one.reset();
  two.reset();
  run();
}

TEST_F(OriginTest, ABroadcastMayEndInTheMiddleOfABatch) {
  // The origin's memory of the last tick is the last to hold the broadcast; its
  // end publishes another.
  auto watch = origin->watch(Path(), heard);
  std::unique_ptr<Origin::Publication> next;
  struct Successor : BroadcastWatcher {
    std::function<void()> then;
    void on_broadcast_closed() override { then(); }
  } successor;
  successor.then = [&] { next = publish("a/next"); };
  auto first = publish("a");
  first->broadcast()->attach(successor);
  run();
  heard.take();
  heard.broadcasts.clear();
  first.reset();
  EXPECT_EQ(next, nullptr);
  run();
  EXPECT_EQ(heard.take(), "-a|+a/next[]");
}

TEST_F(OriginTest, BroadcastsMayEndWithTheOrigin) {
  struct Other : BroadcastWatcher {
    std::function<void()> then;
    void on_broadcast_closed() override { then(); }
  } other;
  auto a = publish("a");
  auto b = publish("b");
  auto c = publish("c");
  auto watch = origin->watch(Path(), heard);
  run();
  a->broadcast()->attach(other);
  other.then = [&] {
    b.reset();
    EXPECT_TRUE(c->update({{1}, &alice}));
    c.reset();
    watch.reset();
  };
  heard.broadcasts.clear();
  a.reset();
  origin.reset();
  EXPECT_EQ(c, nullptr) << "the origin had the last reference to the broadcast";
}

TEST_F(OriginTest, ManyPathsAndWatches) {
  std::vector<std::unique_ptr<Origin::Publication>> publications;
  const auto same = broadcast();
  for (int i = 0; i < 5000; ++i) {
    publications.push_back(publish(fmt::format("room{}/user{}", i % 50, i).c_str(), {}, same));
  }
  std::vector<std::unique_ptr<Origin::Watch>> watches;
  std::vector<Announced> readers(50);
  for (int i = 0; i < 50; ++i) {
    watches.push_back(origin->watch(Path(fmt::format("room{}", i)), readers[i]));
  }
  run();
  for (auto& reader : readers) EXPECT_EQ(reader.broadcasts.size(), 100U);
}

}  // namespace
}  // namespace moq
