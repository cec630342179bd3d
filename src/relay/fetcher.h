#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/base/loop.h"
#include "relay/http_cache.h"
#include "relay/http_client.h"

namespace moq::relay {

/// Asks for a page from any thread; the answer comes on another.
using AskPage = std::function<void(const std::string& url, std::function<void(Result<Page>)> done)>;

struct FetchLimits {
  /// Requests at once, over all servers; more wait.
  std::size_t max_running = 32;
  /// URLs that wait for their turn; more fail with HttpError::busy.
  std::size_t max_queued = 1024;
  /// Who waits for one URL; more fail with HttpError::busy.
  std::size_t max_waiting = 4096;
  /// Who waits in all; more fail with HttpError::busy.
  std::size_t max_waiting_in_all = 8192;
  /// How long a 404 or 410 stands, at least and at most, whatever it says itself: what
  /// nobody has is not asked for again and again, and found soon once somebody has it.
  std::chrono::seconds missing_time{5};
  std::chrono::seconds max_missing_time{60};
  /// The same for a server that fails.
  std::chrono::seconds failure_time{1};
  /// Of such answers, how many are remembered. They displace each other only.
  std::size_t max_refusals = 4096;
};

/// Gets pages for many: each URL once at a time, from the cache where the answers' headers
/// allow it. Belongs to its loop's thread.
class Fetcher {
 public:
  /// The page, with a status of 200, 404 or 410, or why there is none.
  using Done = std::function<void(Result<Page>)>;
  using Get = std::function<void(const std::string& url, HttpConditions, HttpClient::Done)>;

  /// `get` as HttpClient::get; the loop must outlive this.
  Fetcher(Loop& loop, Get get, const FetchLimits& limits = {}, const HttpCache::Limits& cache = {});
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  /// `done` is called once, inside of this call if the answer is known; never once this is
  /// gone.
  void fetch(const std::string& url, Done done);

  [[nodiscard]] std::size_t running() const { return running_; }
  [[nodiscard]] const HttpCache& cache() const { return cache_; }

 private:
  /// What is known to be no page.
  struct Refusal {
    Result<Page> result;
    bool failure = false;  ///< the cache may have something for this case
    Time until{};
  };

  void ask(const std::string& url);
  void start_next();
  void received(const std::string& url, Result<HttpReply> reply);
  [[nodiscard]] Result<Page> judge(const std::string& url, Result<HttpReply> reply);
  void refuse(const std::string& url, Refusal refusal, std::chrono::seconds time);
  void forgive(const std::string& url);
  /// The one that holds now; null: none. Valid until the next change.
  [[nodiscard]] const Refusal* refusal_of(const std::string& url) const;

  Loop& loop_;
  Get get_;
  FetchLimits limits_;
  HttpCache cache_;
  std::unordered_map<std::string, Refusal> refusals_;
  std::deque<std::string> refusal_order_;
  std::unordered_map<std::string, std::vector<Done>> waiting_;  ///< asked for, or queued
  std::deque<std::string> queue_;
  std::size_t running_ = 0;
  std::size_t waiting_count_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::relay
