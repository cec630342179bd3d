#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "native/io/event_loop.h"
#include "native/io/packet_io.h"

namespace moq::native {

/// Gets the SHA-256 of a server's certificate, as 64 lower-case hex digits.
using Fetched = std::function<void(Result<std::string>)>;

/// GETs /certificate.sha256 over plain HTTP/1.1, from the first of `addresses` (not
/// empty) that takes a connection: for development only, since whoever is on the way can
/// change the answer. `authority` is for the Host field and for errors. `done` is called
/// once, from the loop; letting go of the result gives up without a call. There is no
/// deadline.
[[nodiscard]] std::shared_ptr<void> fetch_fingerprint(EventLoop& events,
                                                      std::vector<SocketAddress> addresses,
                                                      std::string authority, Fetched done);

/// The fingerprint that a server's answer is, with white space around it or not.
Result<std::string> parse_fingerprint(std::string_view body);

}  // namespace moq::native
