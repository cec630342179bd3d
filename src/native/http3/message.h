#pragma once

#include <string>
#include <vector>

#include "native/http3/qpack.h"
#include "net/base/error.h"
#include "net/base/log.h"

namespace moq::native::http3 {

/// A request for a WebTransport session: the extended CONNECT (RFC 9220) of
/// draft-ietf-webtrans-http3 §3.2.
struct ConnectRequest {
  std::string authority;  ///< "relay.example.com:443"
  std::string path;       ///< with the query: "/room?jwt=x"; begins with "/"
  std::string origin;     ///< of the page; empty for clients that are no browser
  /// Subprotocols, the preferred first; empty: the client names none.
  std::vector<std::string> protocols;
  /// Who asks, at a server: for its log.
  log::Name client = {};
};

/// A request as a server sees it.
struct Request {
  std::string method;
  std::string protocol;    ///< `:protocol`; empty when there is none
  ConnectRequest connect;  ///< of a WebTransport request only

  /// Whether it asks for a session, under the token of browsers or that of drafts 15 on.
  [[nodiscard]] bool is_webtransport() const {
    return method == "CONNECT" && (protocol == "webtransport" || protocol == "webtransport-h3");
  }
};

struct Response {
  int status = 0;
  std::string protocol;  ///< the subprotocol that was chosen; empty: none
};

/// Fails with H3_MESSAGE_ERROR on a malformed message (RFC 9114 §4.1.2).
Result<Request> parse_request(const std::vector<Field>& fields);
Result<Response> parse_response(const std::vector<Field>& fields);

[[nodiscard]] std::vector<Field> request_fields(const ConnectRequest& request);
[[nodiscard]] std::vector<Field> response_fields(const Response& response);

}  // namespace moq::native::http3
