// Random histories with fixed seeds, against models that keep everything and
// search all of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "net/model/error.h"
#include "net/model/origin.h"
#include "net/model/testing/recorders.h"

namespace moq {
namespace {

using testing::RecordingReader;
using testing::RecordingSource;

// --- Origin.

using Shown = std::map<std::string, std::pair<std::shared_ptr<Broadcast>, std::vector<HopId>>>;

/// Applies announcements, and finds those that say nothing.
struct Follower : AnnounceReader {
  Path prefix;
  PeerToken peer = nullptr;
  HopId exclude = 0;
  Shown shown;
  int batches = 0;
  std::unique_ptr<Origin::Watch> watch;

  void on_announcements(const std::vector<Announcement>& changes) override {
    EXPECT_TRUE(batches == 0 || !changes.empty());
    ++batches;
    const Path* last = nullptr;
    for (const Announcement& change : changes) {
      EXPECT_TRUE(last == nullptr || *last < change.path);
      last = &change.path;
      const auto it = shown.find(change.path.text());
      if (change.broadcast == nullptr) {
        EXPECT_NE(it, shown.end()) << "an end of what was not there";
        if (it != shown.end()) shown.erase(it);
        continue;
      }
      const std::pair now(change.broadcast, change.hops);
      EXPECT_TRUE(it == shown.end() || it->second != now) << "a replacement by the same";
      shown[change.path.text()] = now;
    }
  }
};

struct NaiveRoute {
  Path path;
  std::shared_ptr<Broadcast> broadcast;
  Route route;
  int age = 0;
  std::unique_ptr<Origin::Publication> publication;

  [[nodiscard]] auto rank() const {
    std::uint64_t hash = 0x420C0DECB00B;
    std::string text = path.text();
    for (HopId hop : route.hops) {
      for (int i = 0; i < 8; ++i, hop /= 256) text += static_cast<char>(hop % 256);
    }
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return std::tuple(route.draining, route.hops.size(), hash, -age);
  }
};

TEST(RandomModel, OriginAgreesWithASearchOfAll) {
  constexpr HopId kOwn = 5;
  std::mt19937 random(2024);
  Loop loop;
  Cache cache(std::make_shared<CacheBudget>());
  Origin origin(loop, kOwn);
  const int peers[3] = {};
  std::vector<NaiveRoute> routes;
  std::vector<std::unique_ptr<Follower>> followers;
  int ages = 0;
  const auto any_path = [&](std::size_t least) {
    static const char* const kNames[] = {"a", "b", "a-b"};
    std::string text;
    for (std::size_t n = least + random() % 3; n > 0; --n)
      text += std::string("/") + kNames[random() % 3];
    return Path(text);
  };
  const auto any_peer = [&]() -> PeerToken {
    const auto n = random() % 4;
    return n == 3 ? nullptr : &peers[n];
  };
  const auto any_route = [&] {
    Route route;
    route.peer = any_peer();
    for (auto n = random() % 4; n > 0; --n) route.hops.push_back(random() % 6);
    route.draining = random() % 4 == 0;
    return route;
  };
  const auto loops = [&](const Route& route) {
    return std::ranges::find(route.hops, kOwn) != route.hops.end();
  };
  for (int step = 0; step < 6000; ++step) {
    switch (random() % 8) {
      case 0:
      case 1: {
        NaiveRoute made;
        made.path = any_path(0);
        made.route = any_route();
        made.age = ++ages;
        // Sometimes one broadcast by two routes.
        made.broadcast = !routes.empty() && random() % 3 == 0
                             ? routes[random() % routes.size()].broadcast
                             : std::make_shared<Broadcast>(loop, cache);
        auto result = origin.publish(made.path, made.broadcast, made.route);
        ASSERT_EQ(result.has_value(), !loops(made.route) && !made.broadcast->closed());
        if (!result) break;
        made.publication = std::move(*result);
        routes.push_back(std::move(made));
        break;
      }
      case 2:
        if (!routes.empty()) routes.erase(routes.begin() + random() % routes.size());
        break;
      case 3:
        if (!routes.empty()) {
          NaiveRoute& one = routes[random() % routes.size()];
          const Route route = any_route();
          ASSERT_EQ(one.publication->update(route).has_value(), !loops(route));
          if (!loops(route)) one.route = route;
        }
        break;
      case 4:
        if (!routes.empty() && random() % 4 == 0) {
          routes[random() % routes.size()].broadcast->close(ModelError::closed);
        }
        break;
      case 5: {
        auto follower = std::make_unique<Follower>();
        follower->prefix = any_path(0);
        follower->peer = any_peer();
        follower->exclude = random() % 6;
        follower->watch =
            origin.watch(follower->prefix, *follower, follower->peer, follower->exclude);
        followers.push_back(std::move(follower));
        if (followers.size() > 12) followers.erase(followers.begin() + random() % 12);
        break;
      }
      default: {
        std::vector<int> batches;
        for (const auto& follower : followers) batches.push_back(follower->batches);
        loop.run(loop.now());
        for (std::size_t i = 0; i < followers.size(); ++i) {
          const Follower& follower = *followers[i];
          ASSERT_LE(follower.batches, batches[i] + 1);
          ASSERT_GE(follower.batches, 1);
          std::map<std::string, const NaiveRoute*> best;
          for (const NaiveRoute& route : routes) {
            const auto& hops = route.route.hops;
            if (route.broadcast->closed() || !route.path.has_prefix(follower.prefix) ||
                (follower.peer != nullptr && route.route.peer == follower.peer) ||
                (follower.exclude != 0 &&
                 std::ranges::find(hops, follower.exclude) != hops.end())) {
              continue;
            }
            const NaiveRoute*& so_far = best[route.path.text()];
            if (so_far == nullptr || route.rank() < so_far->rank()) so_far = &route;
          }
          Shown expected;
          for (const auto& [path, route] : best) {
            expected[path] = {route->broadcast, route->route.hops};
          }
          ASSERT_EQ(follower.shown, expected) << "step " << step;
        }
      }
    }
  }
}

// --- Track.

/// A subscription, and what it ought to have been told.
struct Naive {
  SubscribeOptions options;
  RecordingReader reader;
  std::unique_ptr<Subscription> subscription;
  bool started = false;
  bool due = true;
  std::optional<std::uint64_t> start;
  std::optional<std::uint64_t> end;
  std::set<std::uint64_t> delivered;
  std::string expected;

  void say(const std::string& what) { expected += expected.empty() ? what : " " + what; }
};

/// A track that keeps all groups and has one info.
struct NaiveTrack {
  std::map<std::uint64_t, bool> groups;  ///< whether aborted
  bool sourced = false;
  bool named = false;

  void offer(Naive& to, std::uint64_t sequence) const {
    const auto first = to.start ? to.start : to.options.start;
    if (first && sequence < *first) return;
    if (to.options.end && sequence > *to.options.end) return;
    if (to.end && sequence >= *to.end) return;
    if (!to.start) {
      if (!to.options.start && sourced && !named) return;
      to.start = to.options.start.value_or(sequence);
    }
    if (to.delivered.insert(sequence).second) to.say(fmt::format("group{}", sequence));
  }
  void tell_end(Naive& to) const {
    if (to.end || !to.options.end || groups.empty() || (sourced && !named)) return;
    if (groups.rbegin()->first < *to.options.end) return;
    to.end = *to.options.end + 1;
    to.say(fmt::format("end{}", *to.end));
  }
  void catch_up(Naive& to) const {
    if (!to.started) to.say("info1000");
    to.started = true;
    to.due = false;
    if (!to.start) {
      if (to.options.start) {
        for (const auto& [sequence, aborted] : groups) {
          if (aborted || sequence < *to.options.start) continue;
          to.start = sourced ? *to.options.start : sequence;
          break;
        }
      } else if (!groups.empty() && !groups.rbegin()->second && (!sourced || named)) {
        to.start = groups.rbegin()->first;
      }
    }
    if (to.start) {
      for (const auto& [sequence, aborted] : groups) {
        if (!aborted) offer(to, sequence);
      }
    }
    tell_end(to);
  }
};

void random_track(bool sourced, unsigned seed) {
  std::mt19937 random(seed);
  Loop loop;
  Cache cache(std::make_shared<CacheBudget>());
  // So large that retention does not come into it.
  Track::Limits limits;
  limits.max_groups = 100000;
  auto track = std::make_shared<Track>(loop, cache, "t", limits);
  RecordingSource source;
  if (sourced) track->set_source(&source);
  track->accept({});
  NaiveTrack model;
  model.sourced = sourced;
  std::vector<std::unique_ptr<Naive>> readers;
  std::map<std::uint64_t, std::shared_ptr<Group>> open;
  std::optional<SubscribeOptions> told;
  std::uint64_t around = 0;
  const auto any_options = [&] {
    SubscribeOptions options;
    options.priority = static_cast<std::uint8_t>(random() % 4);
    options.ordered = random() % 2 == 0;
    if (random() % 2 == 0) options.start = around - std::min(around, std::uint64_t{random() % 9});
    if (random() % 3 == 0) options.end = around + random() % 9;
    return options;
  };
  for (int step = 0; step < 8000; ++step) {
    switch (random() % 9) {
      case 0:
      case 1:
      case 2: {
        around += random() % 2;
        const std::uint64_t sequence = around - std::min(around, std::uint64_t{random() % 4});
        const auto it = model.groups.find(sequence);
        const bool exists = it != model.groups.end() && !it->second;
        const bool newest = model.groups.empty() || sequence >= model.groups.rbegin()->first;
        if (newest) model.named = true;
        model.groups[sequence] = false;
        for (auto& reader : readers) {
          if (!reader->started) continue;
          model.offer(*reader, sequence);
          model.tell_end(*reader);
        }
        auto made = track->create_group(sequence);
        ASSERT_EQ(made.has_value(), !exists);
        if (made) open[sequence] = *made;
        break;
      }
      case 3:
        if (!open.empty()) {
          const auto it = std::next(open.begin(), random() % open.size());
          if (random() % 4 == 0) {
            it->second->abort(1);
            model.groups[it->first] = true;
          } else {
            it->second->finish();
          }
          open.erase(it);
        }
        break;
      case 4: {
        if (readers.size() > 8) break;
        auto reader = std::make_unique<Naive>();
        reader->options = any_options();
        reader->subscription = track->subscribe(reader->options, reader->reader);
        readers.push_back(std::move(reader));
        break;
      }
      case 5:
        if (!readers.empty() && random() % 2 == 0) {
          readers.erase(readers.begin() + random() % readers.size());
        } else if (random() % 16 == 0) {
          readers.clear();
        }
        break;
      case 6:
        if (!readers.empty()) {
          Naive& reader = *readers[random() % readers.size()];
          const SubscribeOptions options = any_options();
          reader.subscription->update(options);
          if (options == reader.options) break;
          reader.options = options;
          if (reader.start && options.start) reader.start = options.start;
          reader.due = true;
        }
        break;
      default: {
        for (auto& reader : readers) {
          if (reader->due) model.catch_up(*reader);
        }
        std::optional<SubscribeOptions> wanted;
        for (const auto& reader : readers) {
          const SubscribeOptions& one = reader->options;
          if (!wanted) {
            wanted = one;
            continue;
          }
          wanted->priority = std::max(wanted->priority, one.priority);
          wanted->ordered = wanted->ordered && one.ordered;
          if (!wanted->start || (one.start && *one.start < *wanted->start)) {
            if (one.start) wanted->start = one.start;
          }
          if (!wanted->end || !one.end) {
            wanted->end.reset();
          } else {
            wanted->end = std::max(*wanted->end, *one.end);
          }
        }
        source.calls.clear();
        loop.run(loop.now());
        if (sourced) {
          ASSERT_EQ(source.calls.size(), wanted == told ? 0U : 1U) << "step " << step;
          ASSERT_TRUE(wanted == told || source.demand == wanted);
          if (told && !wanted) {
            model.named = false;
            for (const auto& [sequence, group] : open) {
              ASSERT_TRUE(group->aborted());
              model.groups.erase(sequence);
            }
            std::erase_if(model.groups, [](const auto& item) { return item.second; });
            open.clear();
          }
          told = wanted;
        }
      }
    }
    for (const auto& reader : readers) {
      ASSERT_EQ(reader->reader.take(), std::exchange(reader->expected, {})) << "step " << step;
      ASSERT_EQ(reader->subscription->start(), reader->start) << "step " << step;
      reader->reader.groups.clear();
    }
  }
  readers.clear();
  track->set_source(nullptr);
}

TEST(RandomModel, TrackWithoutSourceAgrees) { random_track(false, 1); }
TEST(RandomModel, TrackWithSourceAgrees) { random_track(true, 2); }

}  // namespace
}  // namespace moq
