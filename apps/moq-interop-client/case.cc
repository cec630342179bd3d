#include "moq-interop-client/case.h"

#include <array>

namespace moq::interop {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array kCases{
    Case{"setup-only", "SETUP both ways, and a clean close", seconds(2), setup_only},
    Case{"announce-only", "PUBLISH_NAMESPACE is answered with REQUEST_OK", seconds(2),
         announce_only},
    Case{"publish-namespace-done", "a namespace is withdrawn, and the session goes on", seconds(2),
         publish_namespace_done},
    Case{"subscribe-error", "SUBSCRIBE to nothing is answered with REQUEST_ERROR, at once",
         seconds(2), subscribe_error},
    Case{"announce-subscribe", "SUBSCRIBE_OK comes from the publisher through the relay",
         seconds(3), announce_subscribe},
    Case{"subscribe-before-announce", "a SUBSCRIBE 500 ms before its publisher gets an answer",
         milliseconds(3500), subscribe_before_announce},
    Case{"object-data", "objects arrive through the relay, byte for byte", seconds(5), object_data},
    Case{"joining-fetch", "a late subscriber gets the group's earlier objects by a joining FETCH",
         seconds(5), joining_fetch},
    Case{"goaway-redirect", "drained: clients follow GOAWAY's URI, and go on there", seconds(15),
         goaway_redirect, true},
    Case{"drain", "drained: the group in flight arrives whole, and sessions end in order",
         seconds(15), drain, true},
};

}  // namespace

std::span<const Case> all_cases() { return kCases; }

}  // namespace moq::interop
