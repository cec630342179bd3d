#include "net/transport/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace moq::transport {
namespace {

struct Item : Schedulable {
  explicit Item(const Priority& priority) : Schedulable(priority) {}
};

Priority media(std::uint64_t flow, std::uint64_t order = 0, std::uint8_t subscriber = 0,
               std::uint8_t publisher = 0) {
  return {Priority::Band::media, subscriber, publisher, flow, order};
}

TEST(Scheduler, EmptyHasNoBest) {
  Scheduler scheduler;
  EXPECT_TRUE(scheduler.empty());
  EXPECT_EQ(scheduler.best(), nullptr);
  Item item(media(1));
  scheduler.add(item);
  EXPECT_FALSE(scheduler.empty());
  EXPECT_TRUE(item.scheduled());
  EXPECT_EQ(scheduler.best(), &item);
  scheduler.remove(item);
  EXPECT_FALSE(item.scheduled());
  EXPECT_TRUE(scheduler.empty());
}

TEST(Scheduler, BandThenSubscriberThenPublisherThenOrder) {
  Scheduler scheduler;
  Item control({Priority::Band::control, 0, 0, 0, 9});
  Item request({Priority::Band::request, 0, 0, 0, 9});
  Item high(media(1, 9, 5, 0));
  Item low_published_high(media(2, 9, 4, 8));
  Item early(media(3, 1, 4, 7));
  Item late(media(3, 2, 4, 7));
  std::vector<Item*> order{&control, &request, &high, &low_published_high, &early, &late};
  std::vector<Item*> mixed = order;
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(mixed.begin(), mixed.end(), random);
    for (Item* item : mixed) scheduler.add(*item);
    for (Item* item : order) {
      EXPECT_EQ(scheduler.best(), item);
      scheduler.remove(*item);
    }
  }
}

TEST(Scheduler, EqualOrdersGoByTheirAdding) {
  Scheduler scheduler;
  Item a(media(1, 4));
  Item b(media(1, 4));
  scheduler.add(b);
  scheduler.add(a);
  scheduler.add(b);
  EXPECT_EQ(scheduler.best(), &b);
  scheduler.remove(b);
  EXPECT_EQ(scheduler.best(), &a);
}

TEST(Scheduler, EqualFlowsTakeTurns) {
  Scheduler scheduler;
  Item a1(media(1, 1));
  Item a2(media(1, 2));
  Item b(media(2, 7));
  Item c(media(3, 3));
  for (Item* item : {&a2, &b, &c, &a1}) scheduler.add(*item);
  std::vector<Schedulable*> turns;
  for (int i = 0; i < 6; ++i) {
    turns.push_back(scheduler.best());
    scheduler.took_turn(*scheduler.best());
  }
  EXPECT_EQ(turns, (std::vector<Schedulable*>{&a1, &b, &c, &a1, &b, &c}));
  scheduler.remove(a1);
  EXPECT_EQ(scheduler.best(), &a2) << "its flow keeps its turn";
}

TEST(Scheduler, NewFlowsTakeTheirTurnBehindThoseHeld) {
  Scheduler scheduler;
  Item a(media(1));
  Item b(media(2));
  scheduler.add(a);
  scheduler.add(b);
  // One that becomes ready again after each packet does not come before others.
  scheduler.remove(a);
  scheduler.add(a);
  EXPECT_EQ(scheduler.best(), &b);
}

TEST(Scheduler, TurnsAreWithinAClass) {
  Scheduler scheduler;
  Item high(media(1, 0, 9));
  Item low(media(2, 0, 1));
  scheduler.add(high);
  scheduler.add(low);
  scheduler.took_turn(high);
  EXPECT_EQ(scheduler.best(), &high);
}

TEST(Scheduler, OneFlowInTwoClasses) {
  Scheduler scheduler;
  Item high(media(1, 5, 9));
  Item low(media(1, 0, 1));
  scheduler.add(low);
  scheduler.add(high);
  EXPECT_EQ(scheduler.best(), &high);
  scheduler.remove(high);
  EXPECT_EQ(scheduler.best(), &low);
}

TEST(Scheduler, PriorityChangesWhileHeldAndNot) {
  Scheduler scheduler;
  Item a(media(1, 0, 5));
  Item b(media(2, 0, 4));
  scheduler.add(a);
  scheduler.add(b);
  scheduler.set_priority(b, media(2, 0, 6));
  EXPECT_EQ(scheduler.best(), &b);
  EXPECT_EQ(b.priority(), media(2, 0, 6));
  scheduler.remove(b);
  scheduler.set_priority(b, media(2, 0, 1));
  EXPECT_FALSE(b.scheduled());
  scheduler.add(b);
  EXPECT_EQ(scheduler.best(), &a);
}

TEST(Scheduler, AnotherOrderKeepsTheTurn) {
  Scheduler scheduler;
  Item a1(media(1, 1));
  Item a2(media(1, 2));
  Item b(media(2));
  for (Item* item : {&a1, &a2, &b}) scheduler.add(*item);
  scheduler.set_priority(a2, media(1, 0));
  EXPECT_EQ(scheduler.best(), &a2);
  scheduler.set_priority(a2, media(3, 0));
  EXPECT_EQ(scheduler.best(), &a1);
  scheduler.remove(a1);
  EXPECT_EQ(scheduler.best(), &b) << "a2 is behind it in its new flow";
}

TEST(Scheduler, DestroyedItemsLeave) {
  Scheduler scheduler;
  Item stays(media(1, 0, 1));
  scheduler.add(stays);
  {
    Item gone(media(2, 0, 9));
    scheduler.add(gone);
    EXPECT_EQ(scheduler.best(), &gone);
  }
  EXPECT_EQ(scheduler.best(), &stays);
}

TEST(Scheduler, ItemsOutliveTheirScheduler) {
  Item a(media(1));
  Item b(media(2, 0, 3));
  {
    Scheduler scheduler;
    scheduler.add(a);
    scheduler.add(b);
  }
  EXPECT_FALSE(a.scheduled());
  EXPECT_FALSE(b.scheduled());
}

TEST(Scheduler, CallsOnWhatIsNotHeldDoNothing) {
  Scheduler scheduler;
  Scheduler other;
  Item a(media(1));
  scheduler.remove(a);
  scheduler.took_turn(a);
  other.add(a);
  scheduler.add(a);
  scheduler.remove(a);
  scheduler.took_turn(a);
  scheduler.set_priority(a, media(9));
  EXPECT_TRUE(scheduler.empty());
  EXPECT_EQ(other.best(), &a);
  EXPECT_EQ(a.priority(), media(1));
}

TEST(Scheduler, NobodyOfAClassStarves) {
  // Flows come, go and change at random; whoever stays is served once in as many
  // turns as there were flows.
  Scheduler scheduler;
  std::mt19937 random(3);
  constexpr std::size_t kFlows = 20;
  std::vector<std::unique_ptr<Item>> items;
  for (std::size_t i = 0; i < kFlows; ++i) items.push_back(std::make_unique<Item>(media(i)));
  std::vector<int> waited(kFlows, 0);
  for (int turn = 0; turn < 5000; ++turn) {
    for (std::size_t i = 1; i < kFlows; ++i) {
      if (random() % 8 != 0) continue;
      if (items[i]->scheduled()) {
        scheduler.remove(*items[i]);
      } else {
        scheduler.add(*items[i]);
      }
      waited[i] = 0;
    }
    scheduler.add(*items[0]);
    Schedulable* best = scheduler.best();
    for (std::size_t i = 0; i < kFlows; ++i) {
      waited[i] = items[i].get() == best || !items[i]->scheduled() ? 0 : waited[i] + 1;
      ASSERT_LT(waited[i], static_cast<int>(kFlows)) << i << " at turn " << turn;
    }
    scheduler.took_turn(*best);
  }
}

TEST(Scheduler, AgreesWithASearchOfAll) {
  // Against a list that is searched for the best: random operations, fixed seed.
  struct Model {
    Item* item;
    std::uint64_t added;
  };
  Scheduler scheduler;
  std::mt19937 random(11);
  std::vector<std::unique_ptr<Item>> items;
  const auto any_priority = [&] {
    return media(random() % 4, random() % 5, static_cast<std::uint8_t>(random() % 2),
                 static_cast<std::uint8_t>(random() % 2));
  };
  for (int i = 0; i < 40; ++i) items.push_back(std::make_unique<Item>(any_priority()));
  std::vector<Model> held;
  std::vector<std::pair<Priority, std::uint64_t>> turns;  // of flows, by class and flow
  std::uint64_t clock = 0;
  const auto same = [](Priority a, Priority b) {
    a.order = b.order = 0;
    return a == b;
  };
  const auto drop_empty_flows = [&] {
    std::erase_if(turns, [&](const auto& turn) {
      return std::ranges::none_of(
          held, [&](const Model& m) { return same(m.item->priority(), turn.first); });
    });
  };
  const auto enter = [&](const Priority& priority) {
    if (std::ranges::none_of(turns, [&](const auto& t) { return same(t.first, priority); })) {
      turns.emplace_back(priority, ++clock);
    }
  };
  const auto best = [&]() -> Schedulable* {
    const auto key = [&](const Model& m) {
      const Priority& p = m.item->priority();
      const auto turn =
          std::ranges::find_if(turns, [&](const auto& t) { return same(t.first, p); })->second;
      return std::tuple(255 - p.subscriber, 255 - p.publisher, turn, p.order, m.added);
    };
    return held.empty() ? nullptr : std::ranges::min_element(held, {}, key)->item;
  };
  for (int step = 0; step < 20000; ++step) {
    auto& item = items[random() % items.size()];
    const auto at = std::ranges::find(held, item.get(), &Model::item);
    switch (random() % 5) {
      case 0:
      case 1:
        scheduler.add(*item);
        if (at == held.end()) {
          enter(item->priority());
          held.push_back({item.get(), ++clock});
        }
        break;
      case 2:
        if (random() % 2 == 0) {
          scheduler.remove(*item);
        } else {
          item = std::make_unique<Item>(any_priority());
        }
        if (at != held.end()) held.erase(at);
        break;
      case 3: {
        const Priority priority = any_priority();
        scheduler.set_priority(*item, priority);
        drop_empty_flows();
        if (at != held.end()) enter(priority);
        break;
      }
      default:
        if (Schedulable* taken = best(); taken != nullptr) {
          for (auto& [priority, turn] : turns) {
            if (same(priority, taken->priority())) turn = ++clock;
          }
          scheduler.took_turn(*taken);
        }
        break;
    }
    drop_empty_flows();
    ASSERT_EQ(scheduler.best(), best()) << "step " << step;
  }
}

}  // namespace
}  // namespace moq::transport
