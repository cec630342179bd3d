#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/base/time.h"
#include "relay/http_client.h"

namespace moq::relay {

/// What an answer allows of those who keep it (RFC 9111 §5.2, RFC 5861): a shared cache, as
/// a relay answers many with it.
struct CacheControl {
  bool store = true;                ///< neither no-store nor private
  bool validate = false;            ///< no-cache: not without asking again
  bool must_validate = false;       ///< never used when stale
  std::chrono::seconds max_age{0};  ///< s-maxage, or else max-age; 0: it is stale at once
  std::chrono::seconds stale_while_revalidate{0};
  std::chrono::seconds stale_if_error{0};

  /// Takes what it understands; a number that is none makes the directive 0, and all are
  /// at most a year.
  static CacheControl parse(std::string_view text);

  friend bool operator==(const CacheControl&, const CacheControl&) = default;
};

/// An answer as it is handed out.
struct Page {
  unsigned status = 0;
  std::shared_ptr<const std::string> body;
};

/// Answers to GET by URL, within bounds, the least recently used going first. Has no clock
/// and asks nobody.
class HttpCache {
 public:
  struct Limits {
    std::size_t max_entries = 1024;
    /// Of bodies, URLs and validators.
    std::size_t max_bytes = 16U << 20;
  };
  struct Entry {
    Page page;
    HttpConditions conditions;  ///< to ask whether it still holds
    CacheControl control;       ///< that the times below are made of
    Time fresh_until{};
    Time usable_while_asking{};  ///< stale-while-revalidate
    Time usable_on_error{};      ///< stale-if-error
  };

  HttpCache() : HttpCache(Limits{}) {}
  explicit HttpCache(const Limits& limits) : limits_(limits) {}

  /// What is kept for `url`, however old; null: nothing. Valid until the next call.
  const Entry* find(const std::string& url);
  /// Keeps a 200, as far as its headers allow, instead of what was there. One that may not
  /// be kept removes that.
  void store(const std::string& url, const HttpReply& reply, const Page& page, Time now);
  /// A 304 for what is kept (RFC 9111 §4.3.4).
  void refresh(const std::string& url, const HttpReply& reply, Time now);
  void erase(const std::string& url);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Kept {
    std::string url;
    Entry entry;
    [[nodiscard]] std::size_t cost() const;
  };
  using Order = std::list<Kept>;

  static void set_times(Entry& entry, std::string_view age, Time now);
  void remove(Order::iterator kept);

  Limits limits_;
  Order order_;  ///< the most recently used first
  std::unordered_map<std::string, Order::iterator> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace moq::relay
