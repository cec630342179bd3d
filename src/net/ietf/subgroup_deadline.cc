#include "net/ietf/subgroup_deadline.h"

#include <utility>

namespace moq::ietf {

SubgroupDeadline::SubgroupDeadline(Loop& loop, std::shared_ptr<Group> group, Subgroup& objects,
                                   Duration timeout, std::function<void()> passed)
    : loop_(loop),
      group_(std::move(group)),
      objects_(objects),
      timeout_(timeout),
      timer_(loop, std::move(passed)) {
  objects_.attach(*this);
  on_progress();
}

void SubgroupDeadline::on_progress() {
  if (objects_.state() != Subgroup::State::finished || ended_) return;
  ended_ = loop_.now();
  timer_.arm(later(*ended_, timeout_));
}

void SubgroupDeadline::change(Duration timeout) {
  timeout_ = timeout;
  if (ended_) timer_.arm(later(*ended_, timeout_));
}

}  // namespace moq::ietf
