// A publisher and a viewer of any protocol family, at one relay.

#include <gtest/gtest.h>

#include <algorithm>

#include "net/ietf/properties.h"
#include "net/ietf/version.h"
#include "net/session/session.h"
#include "net/session/testing/cluster.h"
#include "net/session/testing/ietf_peer.h"

namespace moq {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::connect;
using testing::Connection;
using testing::Node;
using testing::run_for;
using testing::run_until;
using testing::Source;
using testing::Viewer;

constexpr SubscribeOptions kLive{.max_latency = seconds(10)};

class Families : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  void start() {
    publisher_session = connect(loop, publisher, relay, {.version = GetParam().first});
    viewer_session = connect(loop, viewer, relay, {.version = GetParam().second});
  }
  static std::string error_of(const Connection& session) {
    std::string out;
    if (session.client_error) out += "client: " + session.client_error->message() + "; ";
    if (session.server_error) out += "server: " + session.server_error->message() + "; ";
    return out;
  }
  static bool has_no_times(std::string_view version) {
    const lite::VersionInfo* info = lite::find_by_name(version);
    return info != nullptr && !info->has_timestamps;
  }
  static bool has_subgroups(std::string_view version) {
    return version.starts_with("moq-transport");
  }
  std::shared_ptr<Track> find(const std::string& path) {
    EXPECT_TRUE(run_until(loop, loop.now() + seconds(5),
                          [&] { return viewer.origin.find(Path(path)) != nullptr; }))
        << path << " was not announced; " << error_of(*publisher_session)
        << error_of(*viewer_session);
    const auto broadcast = viewer.origin.find(Path(path));
    return broadcast == nullptr ? nullptr : broadcast->track("video").value();
  }

  /// At each hop: what the publisher sent, the relay got and sent, and the viewer got.
  [[nodiscard]] std::vector<Traffic> carried() const {
    return {publisher_session->client->traffic().sent,
            publisher_session->server->traffic().received, viewer_session->server->traffic().sent,
            viewer_session->client->traffic().received};
  }

  Loop loop;
  Node publisher{loop, 11};
  Node relay{loop, 22};
  Node viewer{loop, 33};
  std::unique_ptr<Connection> publisher_session;
  std::unique_ptr<Connection> viewer_session;
};

/// Those that have FETCH and datagrams.
class NewerFamilies : public Families {};

TEST_P(Families, GroupsArriveWholeFromTheLatestOn) {
  start();
  Source source(publisher, "room/a", {.timescale = 90000});
  source.group(1, {"old"});
  source.group(2, {"key", "delta"}, 9000);
  const auto track = find("room/a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.text(2), "key delta");
  source.group(3, {"next"});
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.text(3), "next");
  EXPECT_FALSE(publisher_session->client_error) << publisher_session->client_error->message();
  EXPECT_FALSE(viewer_session->client_error) << viewer_session->client_error->message();
}

TEST_P(Families, ObjectsArriveBeforeTheirGroupEnds) {
  start();
  Source source(publisher, "a");
  const auto group = source.begin(7);
  Source::append(*group, 0, "one");
  const auto track = find("a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.text(7), "one+");
  Source::append(*group, 1, "two");
  run_for(loop, milliseconds(100));
  EXPECT_EQ(seen.text(7), "one two+");
  Source::finish(*group);
  run_for(loop, milliseconds(100));
  EXPECT_EQ(seen.text(7), "one two");
}

TEST_P(Families, TimesAreTheSame) {
  start();
  Source source(publisher, "a", {.timescale = 90000});
  source.group(0, {"x"}, 123456);
  const auto track = find("a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  ASSERT_EQ(seen.text(0), "x");
  if (has_no_times(GetParam().first) || has_no_times(GetParam().second)) return;
  const auto time = seen.groups[0]->only().objects()[0].timestamp;
  const std::uint64_t microseconds = rescale(time, seen.info->timescale, 1'000'000);
  const std::uint64_t expected = rescale(123456, 90000, 1'000'000);
  EXPECT_LE(std::max(microseconds, expected) - std::min(microseconds, expected), 12U)
      << microseconds << " is not within a tick of 90 kHz of " << expected;
}

/// Of 0x13 and 0x17, as draft-18 has them: one byte each, under differences.
Bytes two_properties(std::uint8_t value) {
  return Bytes::copy_of(std::vector<std::uint8_t>{0x13, 1, 'p', 4, 1, value});
}

/// An object's properties as draft-18 has them, whatever they came as.
Bytes properties_of(const Object& object) {
  const auto form = ietf::find_property_form(object.properties_form);
  if (!form) return {};
  const auto& newest = ietf::versions().back().properties;
  return ietf::convert_properties(*form, newest, object.properties).value();
}

TEST_P(Families, EveryObjectArrivesAsItWasPublished) {
  start();
  Source source(publisher, "a");
  source.group(0, {"first"});
  const auto track = find("a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  const auto payload = [](std::uint64_t group, std::size_t size) {
    std::string out(size, static_cast<char>('a' + group % 26));
    for (std::size_t i = 0; i < size; i += 101) out[i] = static_cast<char>(i);
    return out;
  };
  constexpr std::size_t kSizes[] = {1, 0, 63, 64, 1199, 5000, 70000};
  for (std::uint64_t sequence = 1; sequence <= 8; ++sequence) {
    const auto group = source.begin(sequence);
    for (std::size_t i = 0; i < std::size(kSizes); ++i) {
      const std::string text = payload(sequence, kSizes[i]);
      Source::must(
          group->only().append({.id = i,
                                .timestamp = sequence * 100 + i,
                                .size = text.size(),
                                .properties_form = ietf::property_form(coding::IntegerForm::vi64),
                                .properties = two_properties(static_cast<std::uint8_t>(i))},
                               Bytes::copy_of(text)));
      if (i % 3 == 0) run_for(loop, milliseconds(7));
    }
    Source::finish(*group);
    run_for(loop, milliseconds(50));
  }
  run_for(loop, seconds(2));
  const bool carried = has_subgroups(GetParam().first) && has_subgroups(GetParam().second);
  for (std::uint64_t sequence = 1; sequence <= 8; ++sequence) {
    SCOPED_TRACE(sequence);
    ASSERT_TRUE(seen.groups.contains(sequence));
    Group& group = *seen.groups[sequence];
    EXPECT_TRUE(group.complete());
    const auto& objects = group.only().objects();
    ASSERT_EQ(objects.size(), std::size(kSizes));
    for (std::size_t i = 0; i < std::size(kSizes); ++i) {
      EXPECT_EQ(objects[i].id, i);
      EXPECT_TRUE(objects[i].flatten().text() == payload(sequence, kSizes[i])) << kSizes[i];
      if (carried) {
        EXPECT_EQ(properties_of(objects[i]), two_properties(static_cast<std::uint8_t>(i)));
      }
    }
  }
  EXPECT_EQ(error_of(*publisher_session) + error_of(*viewer_session), "");
}

TEST_P(NewerFamilies, GroupsThatAreOverCanBeFetched) {
  start();
  Source source(publisher, "a");
  source.group(0, {"zero", "and more"});
  source.group(1, {"one"});
  source.group(2, {"two"});
  const auto track = find("a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  ASSERT_EQ(seen.text(2), "two");
  ASSERT_EQ(seen.text(0), "-");
  std::optional<Result<std::shared_ptr<Group>>> fetched;
  track->fetch(0, [&](Result<std::shared_ptr<Group>> group) { fetched = std::move(group); });
  run_for(loop, seconds(1));
  ASSERT_TRUE(fetched);
  ASSERT_TRUE(*fetched) << fetched->error().message();
  seen.groups[0] = **fetched;
  EXPECT_EQ(seen.text(0), "zero and more");

  fetched.reset();
  track->fetch(7, [&](Result<std::shared_ptr<Group>> group) { fetched = std::move(group); });
  run_for(loop, seconds(1));
  ASSERT_TRUE(fetched);
  EXPECT_FALSE(*fetched) << "there is no such group";
  EXPECT_FALSE(viewer_session->client_error);
  EXPECT_FALSE(publisher_session->client_error);
}

/// A group with two subgroups, gaps, and a property: 0x13 with one byte, as draft-18 has it.
void make_subgroups(Group& group) {
  const auto append = [](Subgroup& subgroup, std::uint64_t id, const std::string& text) {
    Bytes properties = Bytes::copy_of(std::vector<std::uint8_t>{0x13, 1, 'p'});
    ASSERT_TRUE(subgroup.append({.id = id,
                                 .timestamp = id,
                                 .size = text.size(),
                                 .properties_form = ietf::property_form(coding::IntegerForm::vi64),
                                 .properties = std::move(properties)},
                                Bytes::copy_of(text)));
  };
  Subgroup& base = **group.add(0, {.ends_group = false});
  Subgroup& other = **group.add(2, {.ends_group = true});
  append(base, 0, "a");
  append(base, 4, "e");
  append(other, 1, "b");
  append(other, 7, "h");
  base.finish();
  other.finish();
  group.finish();
}

TEST_P(Families, SubgroupsAndGapsAreKeptWhereThereAreSuch) {
  start();
  Source source(publisher, "a", {.timescale = 1'000'000, .has_subgroups = true});
  make_subgroups(*source.begin(3));
  const auto track = find("a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  ASSERT_TRUE(seen.groups.contains(3));
  const Group& group = *seen.groups[3];
  if (!has_subgroups(GetParam().first) || !has_subgroups(GetParam().second)) {
    EXPECT_EQ(seen.text(3), "a b e h") << "in the order of their ids";
    return;
  }
  EXPECT_TRUE(group.complete());
  ASSERT_EQ(group.subgroups().size(), 2U);
  const auto ids = [&](std::uint64_t subgroup) {
    std::vector<std::uint64_t> out;
    const Subgroup* found = group.find(subgroup);
    if (found == nullptr) return out;
    for (const Object& object : found->objects()) out.push_back(object.id);
    return out;
  };
  EXPECT_EQ(ids(0), (std::vector<std::uint64_t>{0, 4}));
  EXPECT_EQ(ids(2), (std::vector<std::uint64_t>{1, 7}));
  const Object& last = group.find(2)->objects().back();
  EXPECT_EQ(last.flatten().text(), "h");
  EXPECT_EQ(last.properties, Bytes::copy_of(std::vector<std::uint8_t>{0x13, 1, 'p'}));
  EXPECT_TRUE(group.find(2)->ends_group());
  EXPECT_FALSE(group.find(0)->ends_group());
}

TEST_P(NewerFamilies, DatagramsArrive) {
  start();
  Source source(publisher, "a");
  const auto track = find("a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  source.track->datagram({.sequence = 5, .timestamp = 77, .payload = Bytes::copy_of("now")});
  run_for(loop, seconds(1));
  ASSERT_EQ(seen.datagrams.size(), 1U);
  EXPECT_EQ(seen.datagrams[0].sequence, 5U);
  EXPECT_EQ(seen.datagrams[0].payload.text(), "now");
  for (const Traffic& traffic : carried()) {
    EXPECT_EQ(traffic.bytes, 3U);
    EXPECT_EQ(traffic.frames, 1U);
    EXPECT_EQ(traffic.groups, 0U);
  }
}

TEST_P(Families, EachSessionCountsWhatItCarries) {
  start();
  Source source(publisher, "a");
  const auto track = find("a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  source.group(0, {"one", "three"});
  source.group(1, {"two"});
  run_for(loop, seconds(1));
  for (const Traffic& traffic : carried()) {
    EXPECT_EQ(traffic.bytes, 11U);
    EXPECT_EQ(traffic.frames, 3U);
    EXPECT_EQ(traffic.groups, 2U);
  }
  EXPECT_EQ(viewer_session->server->traffic().subscriptions, 1U);
}

TEST_P(Families, WithdrawnBroadcastsAreTold) {
  start();
  auto source = std::make_unique<Source>(publisher, "a");
  ASSERT_NE(find("a"), nullptr);
  source.reset();
  EXPECT_TRUE(run_until(loop, loop.now() + seconds(5),
                        [&] { return viewer.origin.find(Path("a")) == nullptr; }));
}

TEST_P(Families, EndOfATrackIsTold) {
  start();
  Source source(publisher, "a");
  source.group(0, {"zero"});
  const auto track = find("a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  source.track->finish(1);
  run_for(loop, seconds(5));
  EXPECT_EQ(seen.end, 1);
}

TEST_P(Families, UnknownTracksAreRefused) {
  start();
  Source source(publisher, "a", {}, "audio");
  const auto track = find("a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(2));
  EXPECT_TRUE(seen.error);
  EXPECT_FALSE(viewer_session->client_error);
}

TEST_P(Families, GoawayIsHeardAndWhatRunsGoesOn) {
  start();
  Source source(publisher, "a");
  source.group(0, {"zero"});
  const auto track = find("a");
  ASSERT_NE(track, nullptr);
  Viewer seen;
  const auto subscription = track->subscribe(kLive, seen);
  run_for(loop, seconds(1));
  std::string told = "nothing";
  viewer_session->client->draining([&](const std::string& uri) { told = uri; });
  ASSERT_TRUE(viewer_session->server->drain().start("https://elsewhere/"));
  run_for(loop, seconds(1));
  EXPECT_EQ(told, viewer_session->server->has_goaway() ? "https://elsewhere/" : "nothing");
  source.group(1, {"one"});
  run_for(loop, seconds(1));
  EXPECT_EQ(seen.text(1), "one");
}

// --- Objects that only have a status

/// A raw publisher of moq-transport, and a viewer of moq-lite, which has no such objects.
class Statuses : public ::testing::TestWithParam<std::pair<const char*, const char*>> {
 protected:
  struct Sent {
    std::uint64_t id;
    std::string payload;
    ietf::Status status = ietf::Status::normal;
  };
  static constexpr std::uint64_t kAlias = 7;

  void start() {
    publisher.emplace(loop, relay, testing::IetfLink::Options{.version = GetParam().first});
    publisher->peer->setup();
    viewer_session = connect(loop, viewer, relay, {.version = GetParam().second});
    publisher->peer->ask(ietf::PublishNamespace{.track_namespace = {"a"}});
    run_for(loop, seconds(1));
    const auto broadcast = viewer.origin.find(Path("a"));
    ASSERT_NE(broadcast, nullptr);
    subscription = broadcast->track("video").value()->subscribe(kLive, seen);
    run_for(loop, seconds(1));
    const auto asked = publisher->peer->heard<ietf::Subscribe>();
    ASSERT_EQ(asked.size(), 1U);
    publisher->peer->answer(
        *asked.front().stream,
        ietf::SubscribeOk{.request_id = asked.front().message.request_id, .track_alias = kAlias},
        ietf::MessageKind::subscribe);
    run_for(loop, seconds(1));
  }
  void send(std::uint64_t group, std::uint64_t subgroup, const std::vector<Sent>& objects,
            bool end_of_group = false) {
    testing::Buffer bytes;
    std::optional<std::uint64_t> previous;
    for (const Sent& each : objects) {
      const auto header = ietf::encode_object(
          publisher->peer->traits(),
          {.id = each.id, .size = each.payload.size(), .status = each.status}, previous, {});
      bytes.insert(bytes.end(), header->bytes.begin(), header->bytes.end());
      bytes.insert(bytes.end(), each.payload.begin(), each.payload.end());
      previous = each.id;
    }
    publisher->peer
        ->subgroup({.track_alias = kAlias,
                    .group = group,
                    .id_mode = ietf::SubgroupIdMode::explicit_id,
                    .subgroup = subgroup,
                    .end_of_group = end_of_group},
                   bytes)
        .fin();
  }
  void expect_open() const {
    EXPECT_FALSE(publisher->error());
    EXPECT_FALSE(viewer_session->client_error);
    EXPECT_FALSE(viewer_session->server_error);
    EXPECT_FALSE(seen.error);
  }

  Loop loop;
  Node relay{loop, 22};
  Node viewer{loop, 33};
  std::optional<testing::IetfLink> publisher;
  std::unique_ptr<Connection> viewer_session;
  Viewer seen;
  std::unique_ptr<Subscription> subscription;
};

/// Where the draft has the status DOES_NOT_EXIST.
class OlderStatuses : public Statuses {};

TEST_P(Statuses, EndOfAGroupIsLeftOutAndLosesNoPayload) {
  start();
  send(1, 0, {{0, "a"}, {1, "b"}, {2, "", ietf::Status::end_of_group}});
  send(2, 0, {{0, "c"}});
  run_for(loop, seconds(2));
  EXPECT_EQ(seen.text(1), "a b");
  send(3, 0, {{0, "d"}}, true);
  run_for(loop, seconds(2));
  EXPECT_EQ(seen.text(2), "c");
  EXPECT_EQ(seen.text(3), "d");
  expect_open();
}

TEST_P(Statuses, EndOfAGroupInOneSubgroupLosesNoPayloadOfAnother) {
  start();
  send(1, 1, {{1, "b"}, {4, "", ietf::Status::end_of_group}});
  send(1, 0, {{0, "a"}, {3, "d"}});
  send(2, 0, {{0, "e"}}, true);
  run_for(loop, seconds(2));
  // In the order in which they have come.
  ASSERT_TRUE(seen.groups.contains(1));
  EXPECT_TRUE(seen.groups[1]->complete());
  std::vector<std::string> payloads;
  for (const Object& object : seen.groups[1]->only().objects()) {
    payloads.emplace_back(object.flatten().text());
  }
  std::ranges::sort(payloads);
  EXPECT_EQ(payloads, (std::vector<std::string>{"a", "b", "d"}));
  EXPECT_EQ(seen.text(2), "e");
  expect_open();
}

TEST_P(OlderStatuses, ObjectThatDoesNotExistIsLeftOutAndLosesNoPayload) {
  start();
  send(1, 0,
       {{0, "a"},
        {1, "", ietf::Status::does_not_exist},
        {2, "c"},
        {3, "", ietf::Status::does_not_exist}},
       true);
  send(2, 0, {{0, "", ietf::Status::does_not_exist}, {1, "d"}}, true);
  run_for(loop, seconds(2));
  EXPECT_EQ(seen.text(1), "a c");
  EXPECT_EQ(seen.text(2), "d");
  expect_open();
}

std::vector<std::pair<const char*, const char*>> drafts_to_lite(
    const std::vector<const char*>& drafts) {
  std::vector<std::pair<const char*, const char*>> out;
  for (const char* from : drafts) {
    for (const char* to : testing::kVersions) out.emplace_back(from, to);
  }
  return out;
}

std::vector<std::pair<const char*, const char*>> pairs(const std::vector<const char*>& versions) {
  std::vector<std::pair<const char*, const char*>> out;
  for (const char* from : versions) {
    for (const char* to : versions) out.emplace_back(from, to);
  }
  return out;
}

constexpr auto kPairName = [](const auto& given) {
  std::string name = std::string(given.param.first) + "_to_" + given.param.second;
  std::ranges::replace(name, '-', '_');
  return name;
};

INSTANTIATE_TEST_SUITE_P(Versions, Families,
                         ::testing::ValuesIn(pairs({testing::kAllVersions.begin(),
                                                    testing::kAllVersions.end()})),
                         kPairName);
INSTANTIATE_TEST_SUITE_P(Versions, Statuses,
                         ::testing::ValuesIn(drafts_to_lite({testing::kDrafts.begin(),
                                                             testing::kDrafts.end()})),
                         kPairName);
INSTANTIATE_TEST_SUITE_P(Versions, OlderStatuses,
                         ::testing::ValuesIn(drafts_to_lite({"moq-transport-14"})), kPairName);
INSTANTIATE_TEST_SUITE_P(
    Versions, NewerFamilies,
    ::testing::ValuesIn(pairs({"moq-lite-05", "moq-transport-14", "moq-transport-18"})), kPairName);

}  // namespace
}  // namespace moq
