#include "relay/http_cache.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace moq::relay {

namespace {

using std::chrono::seconds;

constexpr seconds kLongest{365LL * 24 * 3600};

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

/// RFC 9111 §1.2.2; what does not fit is the longest, what is no number 0.
seconds read_seconds(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size()) return seconds(0);
  if (error == std::errc::result_out_of_range) return kLongest;
  if (error != std::errc{}) return seconds(0);
  return std::min(kLongest, seconds(std::min<std::uint64_t>(value, kLongest.count())));
}

/// Takes the next directive off; commas in quotes are none.
std::string_view next_directive(std::string_view& text) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    if (text[end] == '"') quoted = !quoted;
    if (text[end] == ',' && !quoted) break;
  }
  const std::string_view found = trimmed(text.substr(0, end));
  text.remove_prefix(std::min(text.size(), end + 1));
  return found;
}

}  // namespace

CacheControl CacheControl::parse(std::string_view text) {
  CacheControl control;
  bool shared = false;
  while (!text.empty()) {
    const std::string_view directive = next_directive(text);
    const std::size_t equals = directive.find('=');
    const std::string name = lower(trimmed(directive.substr(0, equals)));
    const seconds value = equals == std::string_view::npos
                              ? seconds(0)
                              : read_seconds(trimmed(directive.substr(equals + 1)));
    if (name == "no-store" || name == "private") {
      control.store = false;
    } else if (name == "no-cache") {
      control.validate = true;
    } else if (name == "must-revalidate" || name == "proxy-revalidate") {
      control.must_validate = true;
    } else if (name == "s-maxage") {
      shared = true;
      control.max_age = value;
    } else if (name == "max-age") {
      if (!shared) control.max_age = value;
    } else if (name == "stale-while-revalidate") {
      control.stale_while_revalidate = value;
    } else if (name == "stale-if-error") {
      control.stale_if_error = value;
    }
  }
  return control;
}

std::size_t HttpCache::Kept::cost() const {
  return url.size() + entry.page.body->size() + entry.conditions.etag.size() +
         entry.conditions.last_modified.size();
}

void HttpCache::set_times(Entry& entry, std::string_view age, Time now) {
  const CacheControl& control = entry.control;
  const seconds left = control.validate ? seconds(0) : control.max_age - read_seconds(trimmed(age));
  // It may have been stale for a while where it comes from.
  entry.fresh_until = now + std::max(left, -kLongest);
  const bool stale = !control.validate && !control.must_validate;
  entry.usable_while_asking =
      entry.fresh_until + (stale ? control.stale_while_revalidate : seconds(0));
  entry.usable_on_error = entry.fresh_until + (stale ? control.stale_if_error : seconds(0));
}

const HttpCache::Entry* HttpCache::find(const std::string& url) {
  const auto found = entries_.find(url);
  if (found == entries_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return &found->second->entry;
}

void HttpCache::store(const std::string& url, const HttpReply& reply, const Page& page, Time now) {
  erase(url);
  const CacheControl control = CacheControl::parse(reply.cache_control);
  if (!control.store || trimmed(reply.vary) == "*") return;
  Kept kept{.url = url,
            .entry = {.page = page,
                      .conditions = {.etag = reply.etag, .last_modified = reply.last_modified},
                      .control = control}};
  set_times(kept.entry, reply.age, now);
  const bool askable = !reply.etag.empty() || !reply.last_modified.empty();
  const bool usable = std::max(kept.entry.usable_while_asking, kept.entry.usable_on_error) > now;
  if (kept.cost() > limits_.max_bytes || (!askable && !usable)) return;
  bytes_ += kept.cost();
  order_.push_front(std::move(kept));
  entries_.emplace(url, order_.begin());
  while (bytes_ > limits_.max_bytes || entries_.size() > limits_.max_entries) {
    remove(std::prev(order_.end()));
  }
}

void HttpCache::refresh(const std::string& url, const HttpReply& reply, Time now) {
  const auto found = entries_.find(url);
  if (found == entries_.end()) return;
  Entry& entry = found->second->entry;
  // What it does not say stays (RFC 9111 §3.2).
  if (!reply.cache_control.empty()) entry.control = CacheControl::parse(reply.cache_control);
  if (!entry.control.store) return remove(found->second);
  set_times(entry, reply.age, now);
}

void HttpCache::erase(const std::string& url) {
  const auto found = entries_.find(url);
  if (found != entries_.end()) remove(found->second);
}

void HttpCache::remove(Order::iterator kept) {
  bytes_ -= kept->cost();
  entries_.erase(kept->url);
  order_.erase(kept);
}

}  // namespace moq::relay
