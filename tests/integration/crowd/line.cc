#include "crowd/line.h"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "net/session/version.h"

namespace moq::crowd {

namespace {

native::DialerConfig dialer_config(const ProtocolVersion* version) {
  native::DialerConfig config;
  config.tls.disable_verify = true;
  config.alpns = alpns(std::array{version});
  return config;
}

/// Of "moq-lite-05 127.0.0.1:4443".
std::string address_in(const std::string& name) { return name.substr(name.rfind(' ') + 1); }

}  // namespace

Line::Line(native::EventLoop& events, Timeline& timeline, std::string name, const Plan& plan,
           std::function<void(const Error&)> given_up)
    : events_(events),
      timeline_(timeline),
      name_(std::move(name)),
      given_up_(std::move(given_up)),
      dialer_(*native::Dialer::create(events, dialer_config(plan.version))),
      client_(std::make_unique<native::Client>(events.loop(), *dialer_, plan.url,
                                               native::ClientOptions{.publish = plan.publish,
                                                                     .subscribe = plan.subscribe,
                                                                     .cache = plan.cache,
                                                                     .versions = {plan.version}},
                                               static_cast<native::ClientHandler&>(*this))) {}

Line::~Line() = default;

void Line::tell(const std::string& event, const nlohmann::ordered_json& more) {
  timeline_.add(events_.now(), name_, event, more);
}

void Line::on_connected(Session& session) {
  next_ = address_in(session.name().text);
  if (!client_->handing_over()) relay_ = next_;
  tell("connected", {{"relay", next_}, {"session", session.name().text}});
}

void Line::on_goaway(const native::Url& next) {
  tell("goaway", {{"relay", relay_}, {"next", next.to_log()}});
}

void Line::on_handed_over() {
  const std::string from = std::exchange(relay_, next_);
  tell("handed over", {{"from", from}, {"relay", relay_}});
}

void Line::on_disconnected(const Error& error) {
  ++losses_;
  tell("disconnected", {{"relay", relay_}, {"error", error.message()}});
}

void Line::on_closed(const Error& error) {
  tell("closed", {{"error", error.message()}});
  given_up_(error);
}

}  // namespace moq::crowd
