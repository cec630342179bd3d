#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "native/io/event_loop.h"
#include "net/base/error.h"
#include "relay/config.h"

namespace moq::relay {

/// Why a page could not be had. The detail of such an error names the server, and nothing
/// else of the URL: its query may be a secret.
enum class HttpError : std::uint8_t {
  bad_url,      ///< no http:// or https:// URL
  unreachable,  ///< no address, no connection, or it broke
  tls,          ///< the server's certificate, or this side's, will not do
  timeout,
  bad_answer,  ///< not HTTP
  too_large,
  redirect,  ///< too many, or from https to http
  busy,      ///< too much is asked for already
  status,    ///< the server answered, but with no page
};
const ErrorDomain& error_domain(HttpError);

/// What one answer may cost.
struct HttpClientLimits {
  /// For the whole of it, redirects included.
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  /// Bytes.
  std::size_t max_body = 256U << 10;
  std::size_t max_header = 16384;
  unsigned max_redirects = 5;
};

/// Makes a request conditional (RFC 9110 §13.1): empty ones are left out.
struct HttpConditions {
  std::string etag;
  std::string last_modified;
};

struct HttpReply {
  unsigned status = 0;
  std::string body = {};
  std::string cache_control = {};
  std::string age = {};
  std::string vary = {};
  std::string etag = {};
  std::string last_modified = {};
};

/// Gets pages by HTTP/1.1, each on a connection of its own, which no proxy and no
/// setting of the environment changes. Belongs to its loop's thread.
class HttpClient {
 public:
  using Done = std::function<void(Result<HttpReply>)>;

  /// Reads the files of `trust`, and again for a request when they have changed; while they
  /// are bad, what was read before holds. Errors name the file. `events` must outlive this.
  static Result<std::unique_ptr<HttpClient>> create(native::EventLoop& events,
                                                    const Config::Tls& trust,
                                                    const HttpClientLimits& limits = {});
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  /// Gives up what is under way, and calls nobody.
  ~HttpClient();

  /// GET. `done` is called once, later. Redirects are followed, but none from https to
  /// http. An answer of any status is an answer.
  void get(const std::string& url, HttpConditions conditions, Done done);

 private:
  class State;
  explicit HttpClient(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace moq::relay
