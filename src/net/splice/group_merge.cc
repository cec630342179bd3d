#include "net/splice/group_merge.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace moq {

namespace {

bool same_payload(const Object& a, const Object& b) {
  if (a.received != b.received) return false;
  const Bytes left = a.flatten();
  const Bytes right = b.flatten();
  return left == right;
}

}  // namespace

/// One subgroup of it.
class GroupMerge::Part final : private SubgroupReader {
 public:
  Part(GroupMerge& merge, Subgroup& from, Subgroup& to)
      : merge_(merge), from_(from), to_(to), shared_(!to.objects().empty()) {
    from_.attach(*this);
  }

  State copy() {
    if (!compare()) return State::conflict;
    const auto& have = to_.objects();
    const auto& come = from_.objects();
    while (true) {
      if (!have.empty() && !have.back().complete()) {
        if (come.size() < have.size()) break;
        if (!extend(come[have.size() - 1])) return State::closed;
        if (!have.back().complete()) break;
      }
      if (come.size() <= have.size()) break;
      ObjectHeader header = come[have.size()];
      header.timestamp = rescale(header.timestamp, merge_.from_scale_, merge_.to_scale_);
      if (!to_.append_object(std::move(header))) return State::closed;
    }
    if (from_.state() == Subgroup::State::aborted) return State::aborted;
    const bool all = have.size() == come.size() && (have.empty() || have.back().complete());
    if (from_.state() == Subgroup::State::finished) {
      // The other session has more of a group that is over here.
      if (have.size() > come.size()) return State::conflict;
      return all ? State::finished : State::closed;
    }
    return State::open;
  }

  [[nodiscard]] bool level() const {
    const auto& have = to_.objects();
    const auto& come = from_.objects();
    return !come.empty() && come.size() == have.size() &&
           come.back().received == have.back().received;
  }
  [[nodiscard]] const Subgroup& from() const { return from_; }
  [[nodiscard]] std::uint64_t abort_code() const { return from_.abort_code(); }
  [[nodiscard]] Subgroup& to() { return to_; }

 private:
  void on_progress() override { merge_.changed_(); }

  /// Whether both have the same, as far as both have it: all sizes, and the payload of
  /// the first object, which tells two publishers' groups apart.
  bool compare() {
    const auto& have = to_.objects();
    const auto& come = from_.objects();
    const std::size_t both = std::min(have.size(), come.size());
    for (; compared_ < both; ++compared_) {
      const Object& a = come[compared_];
      const Object& b = have[compared_];
      if (a.id != b.id || a.size != b.size) return false;
      if (compared_ != 0 || !shared_) continue;
      // Looked at again when there is more of it.
      if (!a.complete() || !b.complete()) return true;
      if (!same_payload(a, b)) return false;
    }
    return true;
  }

  /// Appends what `more` has beyond the readers' last object.
  bool extend(const Object& more) {
    std::uint64_t at = 0;
    for (const Bytes& chunk : more.payload) {
      const std::uint64_t known = to_.objects().back().received;
      const std::uint64_t end = at + chunk.size();
      if (end > known && !to_.append_payload(chunk.slice(static_cast<std::size_t>(known - at)))) {
        return false;
      }
      at = end;
    }
    return true;
  }

  GroupMerge& merge_;
  Subgroup& from_;
  Subgroup& to_;
  bool shared_;  ///< there was something before this session's first byte
  std::size_t compared_ = 0;
};

GroupMerge::GroupMerge(std::shared_ptr<Group> from, std::shared_ptr<Group> to,
                       std::uint64_t from_scale, std::uint64_t to_scale,
                       std::function<void()> changed)
    : from_(std::move(from)),
      to_(std::move(to)),
      from_scale_(from_scale),
      to_scale_(to_scale),
      changed_(std::move(changed)) {
  from_->attach(*this);
}

GroupMerge::~GroupMerge() {
  // Before the groups, which may go with this.
  parts_.clear();
  if (is_linked()) unlink();
}

GroupMerge::State GroupMerge::copy() {
  if (state_ == State::open) state_ = look();
  return state_;
}

GroupMerge::State GroupMerge::look() {
  level_ = true;
  for (std::size_t i = parts_.size(); i < from_->subgroups().size(); ++i) {
    Subgroup& from = *from_->subgroups()[i];
    Subgroup* to = to_->find(from.id());
    if (to == nullptr) {
      const auto added = to_->add(from.id(), from.info());
      if (!added) return State::closed;
      to = *added;
    }
    parts_.push_back(std::make_unique<Part>(*this, from, *to));
  }
  bool open = false;
  for (const auto& part : parts_) {
    const State state = part->copy();
    level_ = level_ && part->level();
    if (state == State::aborted) abort_code_ = part->abort_code();
    if (part->from().ends_group()) part->to().set_ends_group();
    if (state == State::finished) part->to().finish();
    open = open || state == State::open;
    if (state != State::open && state != State::finished) return state;
  }
  if (parts_.empty()) level_ = false;
  if (from_->aborted()) return State::aborted;
  if (!from_->closed() || open) return State::open;
  to_->finish();
  return State::finished;
}

}  // namespace moq
