#include "relay/web.h"

#include <utility>

namespace moq::relay {

HttpRoute health_route() {
  return {.path = "/health", .get = at_once([](const HttpRequest&) {
                               return HttpAnswer{200, "ok\n"};
                             })};
}

HttpRoute ready_route(std::function<bool()> ready) {
  return {.path = "/ready",
          .get = at_once([ready = std::move(ready)](const HttpRequest&) {
            return ready() ? HttpAnswer{200, "ok\n"} : HttpAnswer{503, "draining\n"};
          })};
}

std::vector<HttpRoute> web_routes(WebState state) {
  const auto certificate = [fingerprint = std::move(state.fingerprint)](const HttpRequest&) {
    std::string text = fingerprint();
    if (text.empty()) return HttpAnswer{404, "there is no certificate\n"};
    return HttpAnswer{200, std::move(text)};
  };
  return {health_route(), ready_route(std::move(state.ready)),
          HttpRoute{.path = "/certificate.sha256", .get = at_once(certificate)}};
}

}  // namespace moq::relay
