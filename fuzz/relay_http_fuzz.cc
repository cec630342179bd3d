// Any bytes as what services answer who decide on access, and as what HTTP's clients ask:
// nothing crashes; what is read is within its bounds; nothing that a client sends gets
// anywhere but into the place of a question that is its own.

#include <algorithm>
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"
#include "relay/auth_answer.h"
#include "relay/http_cache.h"
#include "relay/internal.h"
#include "relay/query.h"
#include "relay/visitor.h"
#include "token/limits.h"

namespace {

using moq::Path;
using moq::fuzz::require;

void as_auth_answer(std::string_view text) {
  const auto answer = moq::relay::read_auth_answer(text);
  if (!answer || !answer->alias) return;
  require(answer->alias->text().size() <= Path::kMaxSize, "an alias is a path");
  require(!moq::relay::is_ambiguous(*answer->alias), "an alias leads nowhere else");
}

void as_public_answer(std::string_view text) {
  const auto access = moq::relay::read_public_answer(text);
  if (!access) return;
  require(access->subscribe.size() <= moq::token::kMaxPrefixes, "prefixes have a limit");
  require(access->publish.size() <= moq::token::kMaxPrefixes, "prefixes have a limit");
}

void as_cache_control(std::string_view text) {
  constexpr std::chrono::hours kYear{365 * 24};
  const auto control = moq::relay::CacheControl::parse(text);
  for (const auto time :
       {control.max_age, control.stale_while_revalidate, control.stale_if_error}) {
    require(time >= time.zero() && time <= kYear, "times are within a year");
  }
}

void as_target(std::string_view text) {
  const moq::relay::Visitor visitor{.target = std::string(text), .host = "a.b.cdn.example:443"};
  const auto entrance = moq::relay::read_target(visitor, {".cdn.example"});
  if (!entrance) return;
  require(entrance->path.text().size() <= Path::kMaxSize, "a path has a limit");
  require(entrance->path.has_prefix(Path("b/a")), "a host's path is above the URL's");
  require(!moq::relay::is_ambiguous(entrance->path), "a path leads nowhere else");
  // What is asked about it.
  const std::string base = "https://api.example/auth";
  const std::string question =
      moq::relay::auth_url(base, {.path = entrance->path, .key_id = entrance->token});
  require(question.starts_with(base + "?root="), "the service is asked");
  require(std::ranges::count(question, '?') == 1 && std::ranges::count(question, '&') == 2,
          "a question has its own fields only");
  for (const std::string& url : {question, moq::relay::page_url(base, entrance->path.text())}) {
    require(std::ranges::all_of(url, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; }),
            "a URL is one");
  }
}

void as_drain_request(std::string_view text) {
  const std::string_view query = text.substr(0, text.find('\n'));
  const std::string_view body = text.substr(std::min(text.size(), query.size() + 1));
  const auto order = moq::relay::read_drain_request(query, body, {});
  if (!order) return require(!order.error().empty(), "a mistake is named");
  require(!moq::relay::mistake_in(*order), "an order can be carried out");
  require(order->uris.size() <= moq::relay::kMaxDrainUris, "URIs have a limit");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  moq::fuzz::Input input(data, size);
  const std::size_t choice = input.choose(6);
  const std::string_view text = moq::as_text(input.rest());
  switch (choice) {
    case 0:
      as_auth_answer(text);
      break;
    case 1:
      as_public_answer(text);
      break;
    case 2:
      as_cache_control(text);
      break;
    case 3:
      as_target(text);
      break;
    case 4:
      as_drain_request(text);
      break;
    default:
      static_cast<void>(moq::relay::read_query(text));
      break;
  }
  return 0;
}
