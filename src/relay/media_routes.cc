#include "relay/media_routes.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "native/client/url.h"
#include "net/base/log.h"
#include "net/model/error.h"
#include "net/protocol/error.h"
#include "relay/group_fetch.h"
#include "relay/query.h"

namespace moq::relay {

namespace {

// A group never changes; but a publisher that begins anew may count from 0 again.
constexpr std::string_view kWholeGroup = "max-age=60";
constexpr std::string_view kWholeGroupForOne = "private, max-age=60";

using Shared = std::shared_ptr<const MediaState>;

HttpAnswer refusal(const Error& error) {
  return {error.is(SessionError::unauthorized) ? 401U : 502U, error.detail() + "\n"};
}

/// The path that `encoded` stands for; none if that is not as it should be.
std::optional<std::string> decode(std::string_view encoded) {
  auto path = native::percent_decode(encoded);
  if (!path || path->find('?') != std::string::npos) return std::nullopt;
  return *std::move(path);
}

/// Who would connect there with the same token or certificate. (A session's path is as it
/// was sent; here it is decoded, since what is announced below it never was encoded.)
Visitor visitor_of(std::string_view path, const HttpRequest& request) {
  return {.target = fmt::format("/{}?{}", path, request.query),
          .host = {},
          .transport = {},
          .certificate = request.certificate};
}

constexpr char kBadEncoding[] = "the URL is not percent-encoded as it should be\n";

// --- /announced

// Bytes; what one answer may take, for as long as its client does.
constexpr std::size_t kMaxListing = std::size_t{4} << 20;

/// Tells of everything that is announced now.
class Listing final : private AnnounceReader {
 public:
  Listing(Origin& origin, Scope scope, HttpRespond respond)
      : scope_(std::move(scope)),
        respond_(std::move(respond)),
        watch_(origin.watch(scope_.root, *this)) {}

 private:
  void on_announcements(const std::vector<Announcement>& changes) override {
    std::string text;
    for (const Announcement& change : changes) {
      const Path path = change.path.without(scope_.root);
      if (change.broadcast == nullptr || !Scope::allows(scope_.subscribe, path)) continue;
      if (!std::exchange(first_, false)) text += '\n';
      add(text, path.text());
      if (text.size() > kMaxListing) break;
    }
    watch_.reset();
    if (text.size() > kMaxListing) {
      return respond_({503, "there are too many to list: ask for a longer prefix\n"});
    }
    respond_({.body = std::move(text)});
  }

  /// A line each, whatever a publisher has in its names.
  static void add(std::string& text, std::string_view path) {
    for (const char c : path) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f) {
        text += fmt::format("%{:02X}", byte);
      } else {
        text += c;
      }
    }
  }

  Scope scope_;
  HttpRespond respond_;
  bool first_ = true;
  std::unique_ptr<Origin::Watch> watch_;
};

/// What is going on for one request; what it holds ends with the client.
struct Pending {
  Pending(Loop& loop, Duration timeout, const HttpRespond& respond)
      : deadline(loop, [respond] {
          respond({504, "it could not be found out in time\n"});
        }) {
    deadline.arm(later(loop.now(), timeout));
  }

  Timer deadline;
  std::shared_ptr<void> work;
};

HttpHandler announced(const Shared& state) {
  return [state](const HttpRequest& request, const HttpRespond& respond) -> std::shared_ptr<void> {
    const auto prefix = decode(request.rest);
    if (!prefix) {
      respond({400, kBadEncoding});
      return nullptr;
    }
    const auto pending =
        std::make_shared<Pending>(state->origin.loop(), state->fetch_timeout, respond);
    state->authorize(visitor_of(*prefix, request),
                     [state, respond, waiting = std::weak_ptr(pending)](Result<Scope> scope) {
                       const auto still = waiting.lock();
                       if (still == nullptr) return;
                       if (!scope) return respond(refusal(scope.error()));
                       still->work =
                           std::make_shared<Listing>(state->origin, *std::move(scope), respond);
                     });
    return pending;
  };
}

// --- /fetch

struct Question {
  GroupWanted wanted;
  Visitor visitor;  ///< of the broadcast
  bool is_personal = false;
};

tl::expected<Question, HttpAnswer> read_question(const HttpRequest& request) {
  const auto mistake = [](std::string what) {
    return tl::unexpected(HttpAnswer{400, std::move(what)});
  };
  const auto path = decode(request.rest);
  const auto fields = read_query(request.query);
  if (!path || !fields) return mistake(kBadEncoding);
  const std::size_t slash = path->rfind('/');
  if (slash == std::string::npos || slash + 1 == path->size() ||
      Path(path->substr(0, slash)).empty()) {
    return mistake("expected /fetch/BROADCAST/TRACK\n");
  }
  Question question;
  question.wanted.track = path->substr(slash + 1);
  question.visitor = visitor_of(path->substr(0, slash), request);
  question.is_personal = request.certificate.has_value();
  for (const auto& [name, value] : *fields) {
    if (name == "jwt" && !value.empty()) question.is_personal = true;
    if (name != "group" || value == "latest") continue;
    std::uint64_t number = 0;
    const char* end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end) {
      return mistake("group: expected a number, or latest\n");
    }
    question.wanted.group = number;
  }
  return question;
}

HttpAnswer answer_of(const Error& error) {
  if (error.is(ModelError::not_found)) return {404, "there is no such track or group\n"};
  return {502, fmt::format("it cannot be had: {}\n", error.message())};
}

/// One request for a group.
class Fetching : public std::enable_shared_from_this<Fetching> {
 public:
  Fetching(Shared state, Question question, HttpRespond respond)
      : state_(std::move(state)),
        question_(std::move(question)),
        respond_(std::move(respond)),
        loop_(state_->origin.loop()),
        end_(later(loop_.now(), state_->fetch_timeout)),
        deadline_(loop_, [this] {
          fetch_.reset();
          respond_({504, "the broadcast or group has not come in time\n"});
        }) {}

  void start() {
    deadline_.arm(end_);
    state_->authorize(question_.visitor, [waiting = weak_from_this()](Result<Scope> scope) {
      if (const auto still = waiting.lock()) still->authorized(std::move(scope));
    });
  }

 private:
  void authorized(Result<Scope> scope) {
    if (!scope) return respond_(refusal(scope.error()));
    if (!Scope::allows(scope->subscribe, Path())) {
      return respond_({401, "it may not be subscribed to\n"});
    }
    question_.wanted.broadcast = scope->root;
    fetch_ = std::make_shared<GroupFetch>(
        state_->origin, question_.wanted,
        [this](Result<std::shared_ptr<Group>> group) { found(std::move(group)); });
  }

  void found(Result<std::shared_ptr<Group>> group) {
    deadline_.cancel();
    if (!group) return respond_(answer_of(group.error()));
    HttpAnswer answer{.type = "application/octet-stream"};
    answer.headers.emplace_back("Access-Control-Expose-Headers", "Moq-Group");
    answer.headers.emplace_back("Moq-Group", std::to_string((*group)->sequence()));
    if (question_.wanted.group && (*group)->complete()) {
      answer.cache_control = question_.is_personal ? kWholeGroupForOne : kWholeGroup;
    }
    answer.stream = make_group_body(loop_, *std::move(group), fetch_, end_);
    respond_(std::move(answer));
  }

  Shared state_;
  Question question_;
  HttpRespond respond_;
  Loop& loop_;
  Time end_;
  Timer deadline_;
  std::shared_ptr<GroupFetch> fetch_;
};

HttpHandler fetch(const Shared& state) {
  return [state](const HttpRequest& request, const HttpRespond& respond) -> std::shared_ptr<void> {
    auto question = read_question(request);
    if (!question) {
      respond(std::move(question).error());
      return nullptr;
    }
    auto fetching = std::make_shared<Fetching>(state, *std::move(question), respond);
    fetching->start();
    return fetching;
  };
}

}  // namespace

std::vector<HttpRoute> media_routes(MediaState state) {
  const auto shared = std::make_shared<const MediaState>(std::move(state));
  return {{.path = "/announced", .get = announced(shared), .below = true},
          {.path = "/fetch", .get = fetch(shared), .below = true}};
}

}  // namespace moq::relay
