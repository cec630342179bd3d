#include "net/model/flat_group.h"

#include <utility>
#include <vector>

namespace moq {

namespace {

/// Copies what comes of a group into its flat one, for as long as somebody has that.
class Flattening final : public std::enable_shared_from_this<Flattening>,
                         private GroupReader,
                         private Flushable {
 public:
  Flattening(Loop& loop, std::shared_ptr<Group> from)
      : loop_(loop), from_(std::move(from)), to_(from_->make_flat()) {
    from_->attach(*this);
    copy();
  }
  [[nodiscard]] Group& to() const { return *to_; }

 private:
  /// One subgroup, as far as it is copied.
  struct Part final : SubgroupReader {
    Part(Flattening& o, Subgroup& s) : owner(o), subgroup(s) { subgroup.attach(*this); }
    void on_progress() override { owner.on_subgroups(); }
    [[nodiscard]] const Object* next() const {
      if (done >= subgroup.objects().size()) return nullptr;
      const Object& object = subgroup.objects()[done];
      return object.complete() ? &object : nullptr;
    }

    Flattening& owner;
    Subgroup& subgroup;
    std::size_t done = 0;
  };

  void on_subgroups() override { loop_.mark(*this); }
  void flush() override { copy(); }

  void copy() {
    if (to_->closed()) return;
    // Whoever hears of an object may let go of this.
    const auto self = weak_from_this().lock();
    const auto& subgroups = from_->subgroups();
    while (parts_.size() < subgroups.size()) {
      parts_.push_back(std::make_unique<Part>(*this, *subgroups[parts_.size()]));
    }
    while (Part* part = first()) {
      if (append(*part->next())) {
        ++part->done;
        continue;
      }
      return to_->abort(Group::kCancelledCode);  // it was evicted, or passes a limit
    }
    if (!from_->closed()) return;
    if (from_->complete()) return to_->finish();
    std::uint64_t code = Group::kCancelledCode;
    for (const auto& part : parts_) {
      if (part->subgroup.state() == Subgroup::State::aborted) code = part->subgroup.abort_code();
    }
    to_->abort(code);
  }

  /// Of those that have a whole object, the one whose id is the lowest; null if none has.
  [[nodiscard]] Part* first() const {
    Part* first = nullptr;
    for (const auto& part : parts_) {
      const Object* next = part->next();
      if (next == nullptr) continue;
      if (first == nullptr || next->id < first->next()->id) first = part.get();
    }
    return first;
  }

  bool append(const Object& object) {
    if (object.status != ObjectStatus::normal) return true;
    Subgroup& to = to_->only();
    if (!to.append_object(
            {.id = to.objects().size(), .timestamp = object.timestamp, .size = object.size})) {
      return false;
    }
    for (const Bytes& chunk : object.payload) {
      if (!to.append_payload(chunk)) return false;
    }
    return true;
  }

  Loop& loop_;
  std::shared_ptr<Group> from_;
  std::shared_ptr<Group> to_;
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace

std::shared_ptr<Group> flatten(Loop& loop, const std::shared_ptr<Group>& group) {
  if (auto known = group->flat()) return known;
  const auto flattening = std::make_shared<Flattening>(loop, group);
  std::shared_ptr<Group> flat(flattening, &flattening->to());
  group->set_flat(flat);
  return flat;
}

}  // namespace moq
