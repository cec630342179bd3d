#include "relay/media_routes.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/model/broadcast.h"
#include "net/protocol/error.h"

namespace moq::relay {
namespace {

using std::chrono::seconds;

class MediaRoutesTest : public testing::Test {
 protected:
  using Done = std::function<void(Result<Scope>)>;

  /// What a client sees of its request.
  struct Client {
    std::optional<HttpAnswer> answer;
    std::shared_ptr<void> work;

    [[nodiscard]] unsigned status() const { return answer ? answer->status : 0; }
  };

  void ask(Client& client, std::string_view route, const HttpRequest& request) {
    const auto found = std::ranges::find(routes_, route, &HttpRoute::path);
    client.answer.reset();
    client.work =
        found->get(request, [&client](HttpAnswer answer) { client.answer = std::move(answer); });
    run();
  }
  void announced(Client& client, std::string_view prefix, std::string_view query = "") {
    ask(client, "/announced", {.path = "", .rest = prefix, .query = query, .body = ""});
  }
  void fetch(Client& client, std::string_view path, std::string_view query = "") {
    ask(client, "/fetch", {.path = "", .rest = path, .query = query, .body = ""});
  }

  void run(Duration after = {}) { loop_.run(loop_.now() + after); }

  std::shared_ptr<Broadcast> publish(const std::string& path) {
    auto broadcast = std::make_shared<Broadcast>(loop_, cache_);
    published_.push_back(*origin_.publish(Path(path), broadcast, {}));
    return broadcast;
  }
  static std::shared_ptr<Track> track_of(Broadcast& broadcast, const std::string& name,
                                         const TrackInfo& info = {}) {
    const auto track = *broadcast.create(name);
    track->accept(info);
    return track;
  }
  /// The track "video" of "room", which may be read.
  std::shared_ptr<Track> video(const TrackInfo& info = {}) {
    scope_ = Scope{.root = Path("room")};
    return track_of(*publish("room"), "video", info);
  }
  static std::shared_ptr<Group> group_of(Track& track, std::uint64_t sequence,
                                         const std::vector<std::string>& objects) {
    auto group = *track.create_group(sequence);
    for (std::size_t i = 0; i < objects.size(); ++i) {
      EXPECT_TRUE(group->only().append({.id = i}, Bytes::copy_of(objects[i])));
    }
    return group;
  }
  /// What a body gives now, with how it goes on: "abc+", "abc." or "abc!".
  static std::string take(Client& client) {
    std::string text;
    HttpBody::Part part = client.answer->stream->take();
    for (const Bytes& chunk : part.chunks) text += chunk.text();
    constexpr std::string_view kSigns = "+.!";
    return text + kSigns[static_cast<std::size_t>(part.state)];
  }
  static std::string header(const Client& client, std::string_view name) {
    for (const auto& [field, value] : client.answer->headers) {
      if (field == name) return value;
    }
    return "";
  }

  Loop loop_;
  Cache cache_{std::make_shared<CacheBudget>()};
  Origin origin_{loop_, 0};
  std::vector<std::unique_ptr<Origin::Publication>> published_;
  std::vector<std::string> targets_;
  Result<Scope> scope_ = Scope{};
  std::optional<Done> waiting_;  ///< of an authorization that takes its time
  bool late_ = false;
  std::vector<HttpRoute> routes_ = media_routes(
      {.origin = origin_, .authorize = [this](const Visitor& visitor, const Done& done) {
         targets_.push_back(visitor.target);
         if (late_) {
           waiting_ = done;
         } else {
           done(scope_);
         }
       }});
};

TEST_F(MediaRoutesTest, ListsWhatMayBeSubscribedTo) {
  for (const char* path : {"room/a", "room/b", "room/c/d", "roomy", "hall"}) publish(path);
  scope_ = Scope{.root = Path("room"), .publish = {}, .subscribe = {Path("a"), Path("c")}};
  Client client;
  announced(client, "room", "jwt=x");
  EXPECT_EQ(client.status(), 200U);
  EXPECT_EQ(client.answer->body, "a\nc/d");
  EXPECT_EQ(client.answer->cache_control, "no-store");
  EXPECT_EQ(targets_, std::vector<std::string>{"/room?jwt=x"});
}

TEST_F(MediaRoutesTest, ListsABroadcastAtThePrefixItselfAsNothingMore) {
  publish("room/a");
  scope_ = Scope{.root = Path("room/a")};
  Client client;
  announced(client, "room/a");
  EXPECT_EQ(client.answer->body, "");
  scope_ = Scope{};
  announced(client, "");
  EXPECT_EQ(client.answer->body, "room/a");
}

TEST_F(MediaRoutesTest, RefusesWithTheReason) {
  scope_ = fail(SessionError::unauthorized, "no such thing here");
  Client client;
  announced(client, "room");
  EXPECT_EQ(client.status(), 401U);
  fetch(client, "room/video");
  EXPECT_EQ(client.status(), 401U);
  EXPECT_EQ(client.answer->body, "no such thing here\n");
  scope_ = Scope{.root = Path("room"), .publish = {}, .subscribe = {Path("below")}};
  fetch(client, "room/video");
  EXPECT_EQ(client.status(), 401U);
}

TEST_F(MediaRoutesTest, WhoCannotFindOutWhoMayReadSaysSo) {
  scope_ = fail(SessionError::internal, "nobody knows");
  Client client;
  announced(client, "room");
  EXPECT_EQ(client.status(), 502U);
  fetch(client, "room/video");
  EXPECT_EQ(client.status(), 502U);
  EXPECT_EQ(client.answer->body, "nobody knows\n");
}

TEST_F(MediaRoutesTest, WaitsForAnAuthorizationThatComesLater) {
  publish("room");
  late_ = true;
  Client client;
  announced(client, "");
  EXPECT_EQ(client.status(), 0U);
  (*waiting_)(Scope{});
  run();
  EXPECT_EQ(client.answer->body, "room");
}

TEST_F(MediaRoutesTest, DoesNotWaitForeverForAnAuthorization) {
  late_ = true;
  Client client;
  announced(client, "");
  run(seconds(31));
  EXPECT_EQ(client.status(), 504U);
}

TEST_F(MediaRoutesTest, ListsALineForEachWhateverItsName) {
  publish("alice/x\nadmin/live");
  Client client;
  announced(client, "");
  EXPECT_EQ(client.answer->body, "alice/x%0Aadmin/live");
}

TEST_F(MediaRoutesTest, DoesNotListMoreThanAClientShouldTake) {
  for (int i = 0; i < 5000; ++i) publish(fmt::format("{}/{}", i, std::string(1000, 'x')));
  Client client;
  announced(client, "");
  EXPECT_EQ(client.status(), 503U);
}

TEST_F(MediaRoutesTest, ForgetsClientsThatHaveGone) {
  late_ = true;
  Client client;
  fetch(client, "room/video");
  client.work.reset();
  (*waiting_)(Scope{});
  run(seconds(60));
  EXPECT_EQ(client.status(), 0U);
}

TEST_F(MediaRoutesTest, GivesTheLatestGroup) {
  const auto track = video();
  group_of(*track, 7, {"old"})->finish();
  group_of(*track, 9, {"one", "two"})->finish();
  Client client;
  fetch(client, "room/video");
  ASSERT_EQ(client.status(), 200U);
  EXPECT_EQ(header(client, "Moq-Group"), "9");
  EXPECT_EQ(client.answer->cache_control, "no-store");
  EXPECT_EQ(client.answer->stream->size(), 6U);
  EXPECT_EQ(take(client), "onetwo.");
}

TEST_F(MediaRoutesTest, GivesAGroupByItsNumberAndLetsItBeCached) {
  const auto track = video();
  group_of(*track, 7, {"old"})->finish();
  group_of(*track, 9, {"new"});
  Client client;
  fetch(client, "room/video", "group=7");
  EXPECT_EQ(take(client), "old.");
  EXPECT_EQ(client.answer->cache_control, "max-age=60");
  fetch(client, "room/video", "jwt=x&group=7");
  EXPECT_EQ(client.answer->cache_control, "private, max-age=60");
  fetch(client, "room/video", "group=9");
  EXPECT_EQ(client.answer->cache_control, "no-store");
  fetch(client, "room/video", "group=8");
  EXPECT_EQ(client.status(), 404U);
  fetch(client, "room/sound", "group=8");
  EXPECT_EQ(client.status(), 404U);
}

TEST_F(MediaRoutesTest, GivesAGroupAsItArrives) {
  const auto track = video();
  const auto group = group_of(*track, 3, {"one"});
  Client client;
  fetch(client, "room/video");
  EXPECT_EQ(client.answer->stream->size(), std::nullopt);
  EXPECT_EQ(take(client), "one+");
  EXPECT_EQ(take(client), "+");
  int ready = 0;
  client.answer->stream->wait([&] { ++ready; });
  ASSERT_TRUE(group->only().append_object({.id = 1, .size = 4}));
  ASSERT_TRUE(group->only().append_payload(Bytes::copy_of("tw")));
  EXPECT_EQ(ready, 1);
  EXPECT_EQ(take(client), "tw+");
  ASSERT_TRUE(group->only().append_payload(Bytes::copy_of("o!")));
  group->finish();
  EXPECT_EQ(take(client), "o!.");
}

TEST_F(MediaRoutesTest, BreaksOffAGroupThatIsGivenUp) {
  const auto track = video();
  const auto group = group_of(*track, 3, {"one"});
  Client client;
  fetch(client, "room/video");
  EXPECT_EQ(take(client), "one+");
  group->abort(1);
  EXPECT_EQ(take(client), "!");
}

TEST_F(MediaRoutesTest, BreaksOffAGroupThatIsNotWholeInTime) {
  const auto track = video();
  group_of(*track, 3, {"one"});
  Client client;
  fetch(client, "room/video");
  EXPECT_EQ(take(client), "one+");
  int ready = 0;
  client.answer->stream->wait([&] { ++ready; });
  run(seconds(31));
  EXPECT_EQ(ready, 1);
  EXPECT_EQ(take(client), "!");
}

TEST_F(MediaRoutesTest, AGroupThatIsWholeMayTakeItsTime) {
  const auto track = video();
  group_of(*track, 3, {"one"})->finish();
  Client client;
  fetch(client, "room/video");
  run(seconds(31));
  EXPECT_EQ(take(client), "one.");
}

TEST_F(MediaRoutesTest, GivesNoMoreOfAnObjectThanIsTakenInTime) {
  const auto track = video();
  const auto group = *track->create_group(3);
  const std::string chunk(100'000, 'x');
  const auto fill = [&](std::uint64_t id) {
    ASSERT_TRUE(group->only().append_object({.id = id, .size = 10 * chunk.size()}));
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(group->only().append_payload(Bytes::copy_of(chunk)));
    }
  };
  fill(0);
  fill(1);
  group->finish();
  Client client;
  fetch(client, "room/video");
  std::size_t size = 0;
  for (int parts = 1;; ++parts) {
    const std::string part = take(client);
    EXPECT_LE(part.size(), 400'001U);
    size += part.size() - 1;
    ASSERT_LE(parts, 20);
    if (part.back() == '.') break;
  }
  EXPECT_EQ(size, 20 * chunk.size());
}

TEST_F(MediaRoutesTest, WaitsForABroadcastAndAGroup) {
  scope_ = Scope{.root = Path("room")};
  Client client;
  fetch(client, "room/video");
  run(seconds(10));
  const auto broadcast = publish("room");
  const auto track = track_of(*broadcast, "video");
  run(seconds(10));
  EXPECT_EQ(client.status(), 0U);
  group_of(*track, 3, {"one"})->finish();
  run();
  EXPECT_EQ(take(client), "one.");
}

TEST_F(MediaRoutesTest, GivesUpInTime) {
  scope_ = Scope{.root = Path("room")};
  Client client;
  fetch(client, "room/video");
  run(seconds(29));
  EXPECT_EQ(client.status(), 0U);
  run(seconds(2));
  EXPECT_EQ(client.status(), 504U);
}

TEST_F(MediaRoutesTest, GivesTheObjectsOfAllSubgroupsInTheirOrder) {
  const auto track = video({.has_subgroups = true});
  const auto group = *track->create_group(3);
  Subgroup* upper = *group->add(1);
  ASSERT_TRUE(upper->append({.id = 1}, Bytes::copy_of("two")));
  ASSERT_TRUE((*group->add(0))->append({.id = 0}, Bytes::copy_of("one")));
  group->finish();
  Client client;
  fetch(client, "room/video");
  run();
  EXPECT_EQ(take(client), "onetwo.");
}

TEST_F(MediaRoutesTest, SaysWhatIsWrongWithAQuestion) {
  Client client;
  for (const char* path : {"video", "room/", "", "/video"}) {
    fetch(client, path);
    EXPECT_EQ(client.status(), 400U) << path;
  }
  for (const char* path : {"room/%6", "a%3Fjwt=x/b"}) {
    fetch(client, path);
    EXPECT_EQ(client.status(), 400U) << path;
    announced(client, path);
    EXPECT_EQ(client.status(), 400U) << path;
  }
  for (const char* query : {"group=", "group=-1", "group=1x", "group=18446744073709551616", "%"}) {
    fetch(client, "room/video", query);
    EXPECT_EQ(client.status(), 400U) << query;
  }
  EXPECT_THAT(targets_, testing::IsEmpty());
}

TEST_F(MediaRoutesTest, DecodesThePath) {
  Client client;
  fetch(client, "room%20a/video", "group=latest&jwt=t");
  EXPECT_EQ(targets_, std::vector<std::string>{"/room a?group=latest&jwt=t"});
}

}  // namespace
}  // namespace moq::relay
