// Track: single groups and properties that someone waits for.

#include <utility>

#include "net/model/error.h"
#include "net/model/track.h"

namespace moq {

void Track::fetch(std::uint64_t sequence, Fetched done) {
  const auto answer = [&](Result<std::shared_ptr<Group>> result) {
    loop_.post([done = std::move(done), result = std::move(result)] { done(result); });
  };
  if (error_) return answer(fail(*error_));
  if (has_live(sequence)) return answer(cached(sequence));
  if (end_ && sequence >= *end_) return answer(fail(ModelError::not_found, "beyond the end"));
  if (source_ == nullptr && info_) return answer(fail(ModelError::not_found, "group"));
  const auto it = fetches_.find(sequence);
  const bool first = it == fetches_.end();
  if (waiters_ >= limits_.max_waiters || (first && fetches_.size() >= limits_.max_fetches)) {
    return answer(fail(ModelError::too_many, "fetches"));
  }
  fetches_[sequence].waiters.push_back(std::move(done));
  ++waiters_;
  if (first && source_ != nullptr) ask(sequence);
}

void Track::ask(std::uint64_t sequence) {
  Fetch& fetch = fetches_[sequence];
  fetch.asked = false;
  loop_.post([weak = weak_from_this(), sequence] {
    const auto self = weak.lock();
    if (self == nullptr || self->source_ == nullptr) return;
    const auto it = self->fetches_.find(sequence);
    if (it == self->fetches_.end() || std::exchange(it->second.asked, true)) return;
    self->source_->on_fetch(*self, sequence);
  });
}

Result<std::shared_ptr<Group>> Track::create_fetched(std::uint64_t sequence) {
  if (error_) return fail(ModelError::closed, name_);
  if (has_live(sequence)) {
    answer_fetch(sequence, cached(sequence));
    return fail(ModelError::exists, "group");
  }
  if (!fetches_.contains(sequence)) return fail(ModelError::not_found, "no such fetch");
  auto group = std::make_shared<Group>(cache_, sequence, loop_.now(), limits_.group);
  if (info_) group->set_timescale(info_->timescale);
  // One that retention would drop at once is only for those who asked.
  const bool kept = groups_.size() < limits_.max_groups || sequence > groups_.begin()->first;
  if (kept) {
    index(group, true);
    retain();
  }
  answer_fetch(sequence, group);
  return group;
}

void Track::fail_fetch(std::uint64_t sequence, const Error& error) {
  answer_fetch(sequence, fail(error));
}

void Track::answer_fetch(std::uint64_t sequence, const Result<std::shared_ptr<Group>>& result) {
  auto node = fetches_.extract(sequence);
  if (node.empty()) return;
  waiters_ -= node.mapped().waiters.size();
  loop_.post([waiters = std::move(node.mapped().waiters), result] {
    for (const Fetched& done : waiters) done(result);
  });
}

void Track::answer_fetches(const Error& error) {
  while (!fetches_.empty()) answer_fetch(fetches_.begin()->first, fail(error));
}

void Track::when_info(InfoKnown done) {
  Result<TrackInfo> result = fail(ModelError::too_many, "waiting for track properties");
  if (error_) {
    result = fail(*error_);
  } else if (info_) {
    result = *info_;
  } else if (waiters_ < limits_.max_waiters) {
    info_waiters_.push_back(std::move(done));
    ++waiters_;
    return;
  }
  loop_.post([done = std::move(done), result = std::move(result)] { done(result); });
}

void Track::answer_info(const Result<TrackInfo>& result) {
  if (info_waiters_.empty()) return;
  waiters_ -= info_waiters_.size();
  loop_.post([waiters = std::exchange(info_waiters_, {}), result] {
    for (const InfoKnown& done : waiters) done(result);
  });
}

}  // namespace moq
