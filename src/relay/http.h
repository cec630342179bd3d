#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/bytes.h"

namespace moq::relay {

/// What a handler is asked. Valid during its call only.
struct HttpRequest {
  std::string_view path;       ///< as it was sent: still encoded
  std::string_view rest = {};  ///< of it below the route's, without the slash between
  std::string_view query;      ///< without the question mark
  std::string_view body;       ///< of POST only
  /// The end of the client's certificate, which has been verified; none if it has shown none.
  std::optional<std::chrono::sys_seconds> certificate = {};
};

/// A body that comes bit by bit. Belongs to the server's loop.
class HttpBody {
 public:
  enum class State : unsigned char {
    more,    ///< there may be more, now or later
    end,     ///< that was all
    broken,  ///< there would have been more, which the client is to notice
  };
  struct Part {
    std::vector<Bytes> chunks;
    State state = State::more;
  };

  virtual ~HttpBody() = default;
  /// What has come since the last call; asked for again once the client has taken it.
  virtual Part take() = 0;
  /// Has `ready` called from the loop, once, when `take` may give what it did not give
  /// before. After a `take` that gave nothing.
  virtual void wait(std::function<void()> ready) = 0;
  /// Its size in bytes, where that is known at the beginning.
  [[nodiscard]] virtual std::optional<std::uint64_t> size() const { return {}; }
};

struct HttpAnswer {
  unsigned status = 200;
  std::string body = {};
  std::string_view type = "text/plain; charset=utf-8";
  /// Most of what is asked here changes at any time.
  std::string_view cache_control = "no-store";
  std::vector<std::pair<std::string_view, std::string>> headers = {};
  /// Stands for `body`, if it is there.
  std::unique_ptr<HttpBody> stream = nullptr;
};

/// Answers a request, once, from the loop, or inside of the handler's call. Does nothing
/// when nobody waits for it any more.
using HttpRespond = std::function<void(HttpAnswer answer)>;

/// Begins to work on an answer. What it returns, if anything, is let go of as soon as the
/// reply was given or the client has gone, which gives the work up.
using HttpHandler =
    std::function<std::shared_ptr<void>(const HttpRequest& request, HttpRespond reply)>;

/// A handler that knows its answer.
HttpHandler at_once(std::function<HttpAnswer(const HttpRequest& request)> answer);

/// What is done about a path, by method; empty ones are answered with 405. HEAD is
/// answered as GET, without the body.
struct HttpRoute {
  std::string_view path;
  HttpHandler get;
  HttpHandler post = {};
  HttpHandler del = {};
  bool below = false;  ///< whether it stands for all paths below it, too
};

/// Whose requests are answered.
enum class HttpAudience : unsigned char {
  everyone,  ///< every web page too (CORS)
  /// No web page: requests that a browser sends for one are answered with 403, so that
  /// no page that an operator visits reaches a listener of this machine.
  programs,
};

}  // namespace moq::relay
