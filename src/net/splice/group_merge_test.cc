#include "net/splice/group_merge.h"

#include <gtest/gtest.h>

#include "net/model/cache.h"

namespace moq {
namespace {

class Merge : public ::testing::Test {
 protected:
  std::shared_ptr<Group> group() {
    return std::make_shared<Group>(cache, 0, Time{}, Group::Limits{});
  }
  static void append(Group& group, const std::string& text, std::uint64_t subgroup = 0) {
    Subgroup* to = group.find(subgroup);
    if (to == nullptr) to = *group.add(subgroup);
    ASSERT_TRUE(to->append({.id = to->objects().size()}, Bytes::copy_of(text)));
  }
  GroupMerge merge(const std::shared_ptr<Group>& from) {
    return {from, to, 1, 1, [this] { ++changes; }};
  }
  [[nodiscard]] std::string text(std::uint64_t subgroup = 0) const {
    std::string all;
    for (const Object& object : to->find(subgroup)->objects()) all += object.flatten().text();
    return all;
  }

  Cache cache{std::make_shared<CacheBudget>()};
  std::shared_ptr<Group> to = group();
  int changes = 0;
};

TEST_F(Merge, CopiesWhatComesAndTheEnd) {
  const auto from = group();
  append(*from, "a");
  GroupMerge merging = merge(from);
  EXPECT_EQ(merging.copy(), GroupMerge::State::open);
  append(*from, "b");
  EXPECT_GT(changes, 0);
  EXPECT_EQ(text(), "a");
  merging.copy();
  EXPECT_EQ(text(), "ab");
  from->finish();
  EXPECT_EQ(merging.copy(), GroupMerge::State::finished);
  EXPECT_TRUE(to->complete());
}

TEST_F(Merge, KeepsSubgroupsApart) {
  const auto from = group();
  append(*from, "a", 0);
  append(*from, "b", 7);
  from->finish();
  EXPECT_EQ(merge(from).copy(), GroupMerge::State::finished);
  EXPECT_EQ(text(0), "a");
  EXPECT_EQ(text(7), "b");
}

TEST_F(Merge, SeesOtherContent) {
  append(*to, "same");
  append(*to, "size");
  const auto differs = group();
  append(*differs, "diff");
  EXPECT_EQ(merge(differs).copy(), GroupMerge::State::conflict);
  const auto longer = group();
  append(*longer, "same");
  append(*longer, "other size");
  EXPECT_EQ(merge(longer).copy(), GroupMerge::State::conflict);
  const auto shorter = group();
  append(*shorter, "same");
  shorter->finish();
  EXPECT_EQ(merge(shorter).copy(), GroupMerge::State::conflict);
  EXPECT_EQ(text(), "samesize");
}

TEST_F(Merge, AbortLeavesTheGroupToOthers) {
  const auto from = group();
  append(*from, "a");
  GroupMerge merging = merge(from);
  from->abort(2);
  EXPECT_EQ(merging.copy(), GroupMerge::State::aborted);
  EXPECT_EQ(merging.abort_code(), 2U);
  EXPECT_FALSE(to->closed());
  EXPECT_EQ(text(), "a") << "what had come is there";
}

TEST_F(Merge, TakesNothingIntoAGroupThatIsGone) {
  const auto from = group();
  append(*from, "a");
  to->abort(1);
  EXPECT_EQ(merge(from).copy(), GroupMerge::State::closed);
}

}  // namespace
}  // namespace moq
