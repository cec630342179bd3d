#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/base/error.h"
#include "net/base/time.h"
#include "net/model/origin.h"
#include "net/model/scope.h"
#include "relay/http.h"
#include "relay/visitor.h"

namespace moq::relay {

/// Where the routes below find what they answer with.
struct MediaState {
  /// All broadcasts; belongs to the server's loop.
  Origin& origin;
  /// What a client may do, as on a session's connection; `done` is called once, from the
  /// loop, or at once.
  std::function<void(const Visitor& visitor, std::function<void(Result<Scope>)> done)> authorize;
  /// How long a request for a group may take in all.
  Duration fetch_timeout = std::chrono::seconds(30);
};

/// What HTTP tells of media, to those who might subscribe to it:
///
///   GET /announced/PREFIX         the paths of all broadcasts at and below it, relative to
///                                 it, a line each
///   GET /fetch/BROADCAST/TRACK    the payloads of the latest group, or of the one that
///                                 ?group= names, from the cache or from upstream
///
/// Both take ?jwt=, or a certificate. 401: not allowed to read there; 404: there is no such track
/// or group; 504: the broadcast or group has not come in time.
std::vector<HttpRoute> media_routes(MediaState state);

}  // namespace moq::relay
