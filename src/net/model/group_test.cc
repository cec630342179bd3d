#include "net/model/group.h"

#include <gtest/gtest.h>

#include <string>

#include "net/model/cache.h"
#include "net/model/error.h"

namespace moq {
namespace {

ObjectHeader header(std::uint64_t id, std::uint64_t size = 0, std::uint64_t timestamp = 0) {
  ObjectHeader out;
  out.id = id;
  out.size = size;
  out.timestamp = timestamp;
  return out;
}

struct Marks : SubgroupReader {
  int count = 0;
  bool leave = false;
  void on_progress() override {
    ++count;
    if (leave) unlink();
  }
};

struct SubgroupMarks : GroupReader {
  int count = 0;
  void on_subgroups() override { ++count; }
};

struct GroupTest : ::testing::Test {
  std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>();
  Cache cache{budget};
  Group::Limits limits;

  std::shared_ptr<Group> make(std::uint64_t sequence = 0) {
    return std::make_shared<Group>(cache, sequence, Time{}, limits);
  }
};

TEST_F(GroupTest, PayloadIsReadableAsItArrives) {
  auto group = make();
  Subgroup& subgroup = group->only();
  BytesBuilder builder;
  ASSERT_TRUE(subgroup.append_object(header(0, 6)));
  EXPECT_FALSE(subgroup.objects()[0].complete());
  ASSERT_TRUE(subgroup.append_payload(builder.append(as_bytes("abc"))));
  const std::uint8_t* data = subgroup.objects()[0].payload[0].data();
  EXPECT_EQ(subgroup.objects()[0].received, 3U);
  ASSERT_TRUE(subgroup.append_payload(builder.append(as_bytes("def"))));
  const Object& object = subgroup.objects()[0];
  EXPECT_TRUE(object.complete());
  ASSERT_EQ(object.payload.size(), 1U) << "neighbours join";
  EXPECT_EQ(object.payload[0].data(), data) << "and do not move";
  EXPECT_EQ(object.flatten().text(), "abcdef");
}

TEST_F(GroupTest, ChunksThatAreNotNeighboursAreKeptApart) {
  auto group = make();
  Subgroup& subgroup = group->only();
  ASSERT_TRUE(subgroup.append_object(header(0, 6)));
  ASSERT_TRUE(subgroup.append_payload(Bytes::copy_of("abc")));
  ASSERT_TRUE(subgroup.append_payload(Bytes::copy_of("def")));
  EXPECT_EQ(subgroup.objects()[0].payload.size(), 2U);
  EXPECT_EQ(subgroup.objects()[0].flatten().text(), "abcdef");
}

TEST_F(GroupTest, FlattenOfOneChunkCopiesNothing) {
  auto group = make();
  const Bytes payload = Bytes::copy_of("abc");
  ASSERT_TRUE(group->only().append(header(0), payload));
  EXPECT_EQ(group->only().objects()[0].flatten().data(), payload.data());
  ASSERT_TRUE(group->only().append(header(1), {}));
  EXPECT_TRUE(group->only().objects()[1].flatten().empty());
}

TEST_F(GroupTest, RefusesWhatIsNotAnObjectBehindTheLast) {
  auto group = make();
  Subgroup& subgroup = group->only();
  ASSERT_TRUE(subgroup.append_object(header(3, 2)));
  EXPECT_TRUE(subgroup.append_object(header(4)).error().is(ModelError::incomplete));
  EXPECT_TRUE(subgroup.append_payload(Bytes::copy_of("abc")).error().is(ModelError::too_large));
  ASSERT_TRUE(subgroup.append_payload(Bytes::copy_of("ab")));
  EXPECT_TRUE(subgroup.append_payload(Bytes::copy_of("c")).error().is(ModelError::too_large));
  EXPECT_TRUE(subgroup.append_object(header(3)).error().is(ModelError::out_of_order));
  EXPECT_TRUE(subgroup.append_object(header(2)).error().is(ModelError::out_of_order));
  subgroup.finish();
  EXPECT_TRUE(subgroup.append_object(header(9)).error().is(ModelError::closed));
  EXPECT_TRUE(subgroup.append_payload(Bytes::copy_of("x")).error().is(ModelError::closed));
  EXPECT_EQ(subgroup.objects().size(), 1U);
}

TEST_F(GroupTest, PayloadWithoutAnObjectIsRefused) {
  auto group = make();
  EXPECT_TRUE(group->only().append_payload(Bytes::copy_of("x")).error().is(ModelError::too_large));
}

TEST_F(GroupTest, LimitsOfBytesHoldForDeclaredAndReceived) {
  limits.max_bytes = 10;
  auto group = make();
  EXPECT_TRUE(group->only().append_object(header(0, 11)).error().is(ModelError::too_large));
  EXPECT_TRUE(group->only().append_object(header(0, UINT64_MAX)).error().is(ModelError::too_large));
  ObjectHeader with_properties = header(0, 8);
  with_properties.properties = Bytes::copy_of("abc");
  EXPECT_TRUE(group->only().append_object(with_properties).error().is(ModelError::too_large));
  // Two subgroups that each declare what the group has left.
  Subgroup* other = *group->add(1);
  ASSERT_TRUE(group->only().append_object(header(0, 10)));
  ASSERT_TRUE(other->append_object(header(1, 10)));
  ASSERT_TRUE(group->only().append_payload(Bytes::copy_of("0123456789")));
  EXPECT_TRUE(other->append_payload(Bytes::copy_of("x")).error().is(ModelError::too_large));
  EXPECT_EQ(group->bytes(), 10U);
}

TEST_F(GroupTest, LimitsOfObjectsAndSubgroups) {
  limits.max_objects = 2;
  limits.max_subgroups = 2;
  auto group = make();
  Subgroup* a = *group->add(5);
  Subgroup* b = *group->add(6);
  EXPECT_TRUE(group->add(5).error().is(ModelError::exists));
  EXPECT_TRUE(group->add(7).error().is(ModelError::too_many));
  ASSERT_TRUE(a->append(header(0), {}));
  ASSERT_TRUE(b->append(header(1), {}));
  EXPECT_TRUE(a->append(header(2), {}).error().is(ModelError::too_many));
}

TEST_F(GroupTest, ReadersHearOfEveryArrivalAndState) {
  auto group = make();
  Subgroup& subgroup = group->only();
  Marks marks;
  subgroup.attach(marks);
  ASSERT_TRUE(subgroup.append_object(header(0, 2)));
  EXPECT_EQ(marks.count, 1);
  ASSERT_TRUE(subgroup.append_payload(Bytes::copy_of("a")));
  ASSERT_TRUE(subgroup.append_payload({}));
  EXPECT_EQ(marks.count, 2) << "nothing arrived in the second";
  ASSERT_TRUE(subgroup.append_payload(Bytes::copy_of("b")));
  ASSERT_TRUE(subgroup.append(header(1), Bytes::copy_of("c")));
  EXPECT_EQ(marks.count, 4);
  subgroup.finish();
  subgroup.finish();
  subgroup.abort(7);
  EXPECT_EQ(marks.count, 5);
  EXPECT_EQ(subgroup.state(), Subgroup::State::finished);
}

TEST_F(GroupTest, ReaderDetachesItself) {
  auto group = make();
  Marks stays;
  Marks leaves;
  leaves.leave = true;
  {
    Marks gone;
    group->only().attach(gone);
  }
  group->only().attach(leaves);
  group->only().attach(stays);
  ASSERT_TRUE(group->only().append(header(0), {}));
  ASSERT_TRUE(group->only().append(header(1), {}));
  EXPECT_EQ(leaves.count, 1);
  EXPECT_EQ(stays.count, 2);
}

TEST_F(GroupTest, FinishOfAnIncompleteObjectIsAnAbort) {
  auto group = make();
  ASSERT_TRUE(group->only().append_object(header(0, 2)));
  group->finish();
  EXPECT_EQ(group->only().state(), Subgroup::State::aborted);
  EXPECT_EQ(group->only().abort_code(), Group::kCancelledCode);
  EXPECT_TRUE(group->closed());
  EXPECT_FALSE(group->complete());
}

TEST_F(GroupTest, FinishAndAbortOfAGroup) {
  auto finished = make();
  Subgroup* a = *finished->add(0);
  Subgroup* b = *finished->add(1);
  EXPECT_FALSE(finished->closed());
  a->finish();
  EXPECT_FALSE(finished->closed()) << "more subgroups may come";
  finished->finish();
  EXPECT_EQ(b->state(), Subgroup::State::finished);
  EXPECT_TRUE(finished->complete());
  EXPECT_TRUE(finished->add(2).error().is(ModelError::closed));
  finished->abort(9);
  EXPECT_TRUE(finished->complete());

  auto aborted = make();
  a = *aborted->add(0);
  b = *aborted->add(1);
  a->finish();
  aborted->abort(9);
  EXPECT_EQ(a->state(), Subgroup::State::finished);
  EXPECT_EQ(b->abort_code(), 9U);
  EXPECT_TRUE(aborted->aborted());
  EXPECT_FALSE(aborted->complete());
}

TEST_F(GroupTest, OnlySubgroupOfAClosedGroupIsClosed) {
  auto finished = make();
  finished->finish();
  EXPECT_EQ(finished->only().state(), Subgroup::State::finished);
  auto aborted = make();
  aborted->abort(4);
  EXPECT_EQ(aborted->only().state(), Subgroup::State::aborted);
  EXPECT_EQ(aborted->only().abort_code(), 4U);
}

TEST_F(GroupTest, GroupReadersHearOfSubgroups) {
  auto group = make();
  SubgroupMarks marks;
  group->attach(marks);
  ASSERT_TRUE(group->add(3));
  EXPECT_EQ(marks.count, 1);
  group->finish();
  EXPECT_EQ(marks.count, 2);
}

TEST_F(GroupTest, FirstTimestampIsThatOfTheLowestObject) {
  auto group = make();
  EXPECT_FALSE(group->first_timestamp());
  Subgroup* late = *group->add(1);
  ASSERT_TRUE(late->append(header(5, 0, 500), {}));
  EXPECT_EQ(group->first_timestamp(), 500U);
  ASSERT_TRUE(group->only().append(header(0, 0, 100), {}));
  EXPECT_EQ(group->first_timestamp(), 100U);
  ASSERT_TRUE(group->only().append(header(1, 0, 90), {}));
  EXPECT_EQ(group->first_timestamp(), 100U);
}

TEST_F(GroupTest, HeadersAreEncodedOnceForAWireForm) {
  static int encoded = 0;
  encoded = 0;
  const EncodedHeaders::Encoder encoder =
      [](const Object& object, EncodedHeaders::Place& place,
         std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out) -> std::size_t {
    ++encoded;
    out[0] = static_cast<std::uint8_t>(object.id);
    out[1] = place.previous == nullptr ? 0xff : static_cast<std::uint8_t>(place.previous->id);
    return 2;
  };
  auto group = make();
  for (std::uint64_t id : {3, 5, 9}) ASSERT_TRUE(group->only().append(header(id), {}));
  const Subgroup& subgroup = group->only();
  const ByteSpan last = subgroup.headers(1).at(subgroup, 2, encoder);
  EXPECT_EQ(as_text(last), "\x09\x05");
  EXPECT_EQ(encoded, 3);
  const ByteSpan first = subgroup.headers(1).at(subgroup, 0, encoder);
  EXPECT_EQ(as_text(first), "\x03\xff");
  EXPECT_EQ(encoded, 3);
  ASSERT_TRUE(group->only().append(header(10), {}));
  EXPECT_EQ(subgroup.headers(1).at(subgroup, 3, encoder).size(), 2U);
  EXPECT_EQ(subgroup.headers(1).at(subgroup, 2, encoder).data(), last.data()) << "does not move";
  EXPECT_EQ(subgroup.headers(0).at(subgroup, 0, encoder).size(), 2U);
  EXPECT_EQ(encoded, 5) << "another form, another encoding";
}

TEST_F(GroupTest, ChargesUntilTheLastReaderLetsGo) {
  auto group = make();
  EXPECT_EQ(cache.used(), Group::kOverhead);
  ObjectHeader with_properties = header(0, 4);
  with_properties.properties = Bytes::copy_of("xyz");
  ASSERT_TRUE(group->only().append_object(with_properties));
  EXPECT_EQ(cache.used(), Group::kOverhead + Group::kObjectOverhead + 3)
      << "declared payload costs nothing";
  ASSERT_TRUE(group->only().append_payload(Bytes::copy_of("ab")));
  EXPECT_EQ(cache.used(), Group::kOverhead + Group::kObjectOverhead + 5);
  ASSERT_TRUE(group->only().append_payload(Bytes::copy_of("c")));
  EXPECT_EQ(cache.used(), Group::kOverhead + Group::kObjectOverhead + 6 + Group::kChunkOverhead);
  auto held = group;
  group.reset();
  EXPECT_NE(cache.used(), 0U);
  held.reset();
  EXPECT_EQ(cache.used(), 0U);
}

TEST_F(GroupTest, OutlivesItsCache) {
  std::shared_ptr<Group> group;
  {
    Cache shortlived(budget);
    group = std::make_shared<Group>(shortlived, 0, Time{}, limits);
  }
  ASSERT_TRUE(group->only().append(header(0), Bytes::copy_of("abc")));
  EXPECT_EQ(budget->used, Group::kOverhead + Group::kObjectOverhead + 3);
  group.reset();
  EXPECT_EQ(budget->used, 0U);
}

TEST_F(GroupTest, OverCapacityTheOldestAreAborted) {
  const std::uint64_t each = Group::kOverhead + Group::kObjectOverhead + 100;
  budget->capacity = 2 * each;
  const Bytes payload = Bytes::copy_of(std::string(100, 'p'));
  std::vector<std::shared_ptr<Group>> groups;
  Marks marks;
  for (std::uint64_t i = 0; i < 3; ++i) {
    groups.push_back(make(i));
    ASSERT_TRUE(groups.back()->only().append(header(0), payload));
    groups.back()->finish();
    if (i == 0) groups[0]->only().attach(marks);
  }
  EXPECT_EQ(groups[0]->only().state(), Subgroup::State::aborted) << "though it was finished";
  EXPECT_EQ(groups[0]->only().abort_code(), Cache::kEvictedCode);
  EXPECT_EQ(groups[0]->only().objects().size(), 1U) << "still readable for packets in flight";
  EXPECT_EQ(marks.count, 1);
  EXPECT_TRUE(groups[1]->complete()) << "what was evicted counts as gone though it is still held";
  EXPECT_TRUE(groups[2]->complete());
  EXPECT_EQ(cache.used(), 3 * each);
  groups.clear();
  EXPECT_EQ(cache.used(), 0U);
  EXPECT_EQ(budget->evicted, 0U);
}

TEST_F(GroupTest, AGroupMayEvictItself) {
  budget->capacity = Group::kOverhead + 1000;
  auto group = make();
  EXPECT_TRUE(group->only().append(header(0), Bytes::copy_of(std::string(2000, 'p'))));
  EXPECT_TRUE(group->aborted());
  EXPECT_TRUE(group->only().append(header(1), {}).error().is(ModelError::closed));
}

TEST_F(GroupTest, BudgetIsSharedBetweenCaches) {
  budget->capacity = Group::kOverhead * 2;
  Cache other(budget);
  auto mine = make(0);
  auto theirs = std::make_shared<Group>(other, 0, Time{}, limits);
  auto second = std::make_shared<Group>(other, 1, Time{}, limits);
  EXPECT_FALSE(mine->aborted()) << "the writer's cache pays";
  EXPECT_TRUE(theirs->aborted());
  EXPECT_FALSE(second->aborted());
}

}  // namespace
}  // namespace moq
