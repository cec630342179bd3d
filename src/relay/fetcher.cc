#include "relay/fetcher.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace moq::relay {

namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kNotModified = 304;
constexpr unsigned kNotFound = 404;
constexpr unsigned kGone = 410;

bool is_missing(unsigned status) { return status == kNotFound || status == kGone; }

}  // namespace

Fetcher::Fetcher(Loop& loop, Get get, const FetchLimits& limits, const HttpCache::Limits& cache)
    : loop_(loop), get_(std::move(get)), limits_(limits), cache_(cache) {}

void Fetcher::fetch(const std::string& url, Done done) {
  const Time now = loop_.now();
  const Refusal* refusal = refusal_of(url);
  if (const HttpCache::Entry* kept = cache_.find(url); kept != nullptr) {
    const Page page = kept->page;
    if (now < kept->fresh_until) return done(page);
    if (now < kept->usable_while_asking) {
      const bool room = !waiting_.contains(url) && queue_.size() < limits_.max_queued;
      if (room && refusal == nullptr) ask(url);
      return done(page);
    }
    if (refusal != nullptr && refusal->failure && now < kept->usable_on_error) return done(page);
  }
  if (refusal != nullptr) {
    const Result<Page> result = refusal->result;
    return done(result);
  }
  const auto asked = waiting_.find(url);
  const bool room = (asked != waiting_.end() ? asked->second.size() < limits_.max_waiting
                                             : queue_.size() < limits_.max_queued) &&
                    waiting_count_ < limits_.max_waiting_in_all;
  if (!room) return done(fail(HttpError::busy, "too much is being fetched already"));
  ++waiting_count_;
  if (asked != waiting_.end()) {
    asked->second.push_back(std::move(done));
    return;
  }
  waiting_[url].push_back(std::move(done));
  ask(url);
}

const Fetcher::Refusal* Fetcher::refusal_of(const std::string& url) const {
  const auto found = refusals_.find(url);
  return found == refusals_.end() || loop_.now() >= found->second.until ? nullptr : &found->second;
}

void Fetcher::ask(const std::string& url) {
  waiting_.try_emplace(url);
  queue_.push_back(url);
  start_next();
}

void Fetcher::start_next() {
  while (running_ < limits_.max_running && !queue_.empty()) {
    const std::string url = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    const HttpCache::Entry* kept = cache_.find(url);
    get_(url, kept == nullptr ? HttpConditions{} : kept->conditions,
         [this, url, alive = std::weak_ptr(alive_)](Result<HttpReply> reply) {
           if (!alive.expired()) received(url, std::move(reply));
         });
  }
}

void Fetcher::received(const std::string& url, Result<HttpReply> reply) {
  --running_;
  const Result<Page> result = judge(url, std::move(reply));
  const auto asked = waiting_.find(url);
  const std::vector<Done> waiting = std::move(asked->second);
  waiting_.erase(asked);
  waiting_count_ -= waiting.size();
  const std::weak_ptr<int> alive = alive_;
  for (const Done& done : waiting) {
    done(result);
    if (alive.expired()) return;
  }
  start_next();
}

Result<Page> Fetcher::judge(const std::string& url, Result<HttpReply> reply) {
  const Time now = loop_.now();
  const HttpCache::Entry* kept = cache_.find(url);
  if (reply && reply->status == kOk) {
    forgive(url);
    const Page page{.status = kOk,
                    .body = std::make_shared<const std::string>(std::move(reply->body))};
    cache_.store(url, *reply, page, now);
    return page;
  }
  if (reply && reply->status == kNotModified && kept != nullptr) {
    forgive(url);
    const Page page = kept->page;
    cache_.refresh(url, *reply, now);
    return page;
  }
  if (reply && is_missing(reply->status)) {
    cache_.erase(url);
    const Page page{.status = reply->status, .body = std::make_shared<const std::string>()};
    const CacheControl control = CacheControl::parse(reply->cache_control);
    refuse(url, {.result = page},
           std::clamp(control.max_age, limits_.missing_time, limits_.max_missing_time));
    return page;
  }
  // RFC 5861 §4: a failure is none, or a 5xx.
  const bool failure = !reply || reply->status >= 500;
  if (!failure) cache_.erase(url);
  const Result<Page> result =
      reply ? fail(HttpError::status, fmt::format("the answer was {}", reply->status))
            : tl::unexpected<Error>(std::move(reply).error());
  refuse(url, {.result = result, .failure = failure}, limits_.failure_time);
  if (failure && kept != nullptr && now < kept->usable_on_error) return kept->page;
  return result;
}

void Fetcher::forgive(const std::string& url) {
  if (refusals_.erase(url) > 0) std::erase(refusal_order_, url);
}

void Fetcher::refuse(const std::string& url, Refusal refusal, std::chrono::seconds time) {
  refusal.until = later(loop_.now(), time);
  const auto [place, added] = refusals_.insert_or_assign(url, std::move(refusal));
  if (!added) return;
  refusal_order_.push_back(url);
  while (refusal_order_.size() > limits_.max_refusals) {
    refusals_.erase(refusal_order_.front());
    refusal_order_.pop_front();
  }
}

}  // namespace moq::relay
