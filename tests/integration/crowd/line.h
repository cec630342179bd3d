#pragma once

#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "crowd/timeline.h"
#include "native/client/client.h"
#include "native/client/dialer.h"
#include "native/client/url.h"
#include "native/io/event_loop.h"

namespace moq::crowd {

/// A client that stays connected, on a socket of its own; what happens to its
/// connections goes into the timeline.
class Line final : private native::ClientHandler {
 public:
  struct Plan {
    native::Url url;
    const ProtocolVersion* version = nullptr;
    Origin* publish = nullptr;
    Origin* subscribe = nullptr;
    Cache* cache = nullptr;
  };

  /// `given_up`: the client will not connect any more.
  Line(native::EventLoop& events, Timeline& timeline, std::string name, const Plan& plan,
       std::function<void(const Error&)> given_up);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Address and port of the relay that serves it: the old one until a handover is over.
  /// Empty before there was one.
  [[nodiscard]] const std::string& relay() const { return relay_; }
  /// Sessions that were lost instead of handed over.
  [[nodiscard]] std::size_t losses() const { return losses_; }
  void tell(const std::string& event, const nlohmann::ordered_json& more);

  void close() { client_.reset(); }
  /// Whether the last connection's end has been told to the relay.
  [[nodiscard]] bool gone() const { return dialer_->connections() == 0; }

 private:
  void on_connected(Session& session) override;
  void on_goaway(const native::Url& next) override;
  void on_handed_over() override;
  void on_disconnected(const Error& error) override;
  void on_closed(const Error& error) override;

  native::EventLoop& events_;
  Timeline& timeline_;
  std::string name_;
  std::string relay_;
  /// That of the newest session.
  std::string next_;
  std::size_t losses_ = 0;
  std::function<void(const Error&)> given_up_;
  std::unique_ptr<native::Dialer> dialer_;
  std::unique_ptr<native::Client> client_;
};

}  // namespace moq::crowd
