#include "relay/http.h"

namespace moq::relay {

HttpHandler at_once(std::function<HttpAnswer(const HttpRequest& request)> answer) {
  return [answer = std::move(answer)](const HttpRequest& request, const HttpRespond& reply) {
    reply(answer(request));
    return nullptr;
  };
}

}  // namespace moq::relay
