#include "native/http3/webtransport.h"

#include <utility>

#include "native/http3/session_impl.h"

namespace moq::native::http3 {

Connections::Connections(Loop& loop, Limits limits, ServerOptions server)
    : loop_(loop), limits_(limits), server_(std::move(server)) {}

Connections::~Connections() {
  for (const auto& [key, connection] : all_) connection->detach_host();
}

std::shared_ptr<SessionImpl> Connections::add(std::shared_ptr<quic::Connection> connection) {
  auto session = std::make_shared<SessionImpl>(*this, std::move(connection));
  all_.emplace(session.get(), session);
  negotiating_.insert(session.get());
  return session;
}

void Connections::accept(std::shared_ptr<quic::Connection> connection) {
  add(std::move(connection))->start_server();
}

Connections::Attempt Connections::connect(std::shared_ptr<quic::Connection> connection,
                                          ConnectRequest request, Connected connected) {
  auto session = add(std::move(connection));
  session->start_client(std::move(request), std::move(connected));
  return {nullptr, [weak = std::weak_ptr(session)](void*) {
            if (const auto self = weak.lock()) self->give_up();
          }};
}

void Connections::close_all(std::uint64_t code, std::string_view reason) {
  for (const auto& [key, connection] : all_) connection->close_now(code, reason);
}

void Connections::forget(SessionImpl& connection) {
  negotiating_.erase(&connection);
  const auto it = all_.find(&connection);
  if (it == all_.end()) return;
  // It is at work just now.
  loop_.post([gone = std::move(it->second)] {});
  all_.erase(it);
}

}  // namespace moq::native::http3
