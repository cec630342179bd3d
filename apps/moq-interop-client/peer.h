#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moq-interop-client/pipe.h"
#include "moq-interop-client/published_track.h"
#include "moq-interop-client/received.h"
#include "native/client/dialer.h"
#include "native/io/event_loop.h"
#include "net/ietf/codec.h"
#include "net/ietf/message.h"
#include "net/ietf/message_reader.h"
#include "net/ietf/version.h"
#include "net/protocol/error.h"
#include "net/session/negotiation.h"
#include "net/session/version.h"

namespace moq::interop {

/// A message that answers or follows a request.
struct Answer {
  ietf::MessageKind kind;
  Bytes body;
  std::string text;  ///< as `describe` has it
};

/// A request of ours.
struct Asked {
  std::uint64_t id = 0;
  ietf::MessageKind kind = ietf::MessageKind::subscribe;
  std::vector<Answer> answers = {};
  std::unique_ptr<Pipe> pipe = nullptr;  ///< null where the control stream carries it
  std::unique_ptr<ietf::MessageReader> reader = nullptr;
};

/// A session with the relay, whose messages a case makes and sees: what the library's own
/// session decides by itself (when to ask, what to tell) is decided by the case. Serves
/// what it publishes, and answers what a relay may ask of any client.
///
/// What the relay may not do ends it with PROTOCOL_VIOLATION, and `fate` says why.
class Peer final : private transport::SessionHandler, private Negotiation::Events {
 public:
  struct Target {
    const native::Url* url = nullptr;
    std::vector<const ProtocolVersion*> versions;
  };

  /// Dials at once. `role`: "publisher", "subscriber"; for logs.
  Peer(native::EventLoop& events, native::Dialer& dialer, Target target, std::string role);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  [[nodiscard]] const std::string& role() const { return role_; }
  /// Both SETUPs are done.
  [[nodiscard]] bool up() const { return up_ && !over(); }
  /// Whether the relay's limit allows another request.
  [[nodiscard]] bool may_ask() const { return up() && next_id_ < max_id_; }
  /// It has ended, or never came to be; not by `close`.
  [[nodiscard]] bool over() const { return fate_.has_value(); }
  /// How; empty while it has not ended.
  [[nodiscard]] std::string fate() const { return fate_.value_or(""); }
  /// Whether the relay has answered at all: there is, or was, a connection.
  [[nodiscard]] bool connected() const { return transport_ != nullptr; }
  /// "moq-transport-18"; empty until it is known.
  [[nodiscard]] std::string_view version_name() const {
    return version_ == nullptr ? "" : version_->name;
  }
  void close();

  /// Makes a request, with the next id. Only if `may_ask`.
  template <typename M>
  Asked& ask(M message) {
    message.request_id = next_id_;
    return make(M::kKind, next_id_, encoded(message));
  }
  /// Takes a PUBLISH_NAMESPACE back.
  void withdraw(const Asked& request, const ietf::TrackNamespace& name);
  /// The message that an answer is; it has been decoded before.
  template <typename M>
  [[nodiscard]] M as(const Answer& answer) const {
    return *ietf::decode<M>(version_->version, answer.body);
  }

  /// Serves a track from now on.
  PublishedTrack& publish(ietf::FullTrackName name);
  /// Objects of a subscription, by the alias in its SUBSCRIBE_OK.
  [[nodiscard]] const ReceivedObjects& subscribed(std::uint64_t alias) {
    return received_.subscribed(alias);
  }
  /// Those of a FETCH of ours, by its id.
  [[nodiscard]] const ReceivedObjects& fetched(std::uint64_t id) { return received_.fetched(id); }

 private:
  /// A request of the relay's.
  struct Served {
    ietf::MessageKind kind;
    std::unique_ptr<Pipe> pipe;
    PublishedTrack* track = nullptr;
    ietf::MessageReader reader;
    bool begun = false;
    std::uint64_t id = 0;
  };

  void dialled(Result<std::shared_ptr<transport::Session>> session);
  void begin(const ProtocolVersion& version);
  void begin_control();
  void on_negotiated(Negotiated result) override;
  void on_negotiation_failed(SessionError code, std::string reason) override;
  void on_transport_closed(const Error& error, bool by_peer) override;
  void on_uni(std::shared_ptr<transport::RecvStream> stream) override;
  void on_bidi(transport::Stream stream) override;
  void on_datagram(Bytes /*datagram*/) override {}
  void on_closed(const Error& error, bool by_peer) override;

  template <typename M>
  [[nodiscard]] std::vector<std::uint8_t> encoded(const M& message,
                                                  std::optional<ietf::MessageKind> about = {});
  Asked& make(ietf::MessageKind kind, std::uint64_t id, const std::vector<std::uint8_t>& bytes);

  /// The control stream's.
  void control_data(Bytes data, bool fin);
  Result<void> control_message(const ietf::RawMessage& message);
  Result<void> about_request(ietf::MessageKind kind, const Bytes& body);
  /// What a stream of a request of ours brings.
  void answer_data(Asked& request, Bytes data, bool fin);
  void answered(Asked& request, ietf::MessageKind kind, const Bytes& body, std::string text);

  /// What a stream of a request of the relay's brings.
  void served_data(const std::shared_ptr<Served>& request, Bytes data, bool fin);
  Result<void> serve(const std::shared_ptr<Served>& request, ietf::MessageKind kind,
                     const Bytes& body);
  Result<void> serve_subscribe(const std::shared_ptr<Served>& request, const Bytes& body);
  Result<void> serve_fetch(const std::shared_ptr<Served>& request, const Bytes& body);
  Result<void> update(const std::shared_ptr<Served>& request, const Bytes& body);
  template <typename M>
  void reply(const Served& request, const M& message);
  void refuse(const Served& request, ietf::RequestErrorCode code, std::string reason);
  [[nodiscard]] PublishedTrack* find(const ietf::FullTrackName& name) const;

  /// The relay has done what it may not.
  void violated(const Error& error);
  void ended(std::string fate);

  native::EventLoop& events_;
  Target target_;
  std::string role_;
  native::Dialer::Dial dial_;
  std::shared_ptr<transport::Session> transport_;
  std::unique_ptr<Negotiation> negotiation_;
  const ietf::VersionInfo* version_ = nullptr;
  bool up_ = false;
  bool closing_ = false;
  std::optional<std::string> fate_;
  std::uint64_t next_id_ = 0;
  std::uint64_t max_id_ = 0;  ///< of ours, exclusive
  std::unique_ptr<Pipe> control_out_;
  std::unique_ptr<Pipe> control_in_;  ///< null where the other is both
  std::unique_ptr<ietf::MessageReader> control_reader_;
  std::map<std::uint64_t, std::unique_ptr<Asked>> asked_;
  std::vector<std::shared_ptr<Served>> served_;
  std::vector<std::unique_ptr<PublishedTrack>> published_;
  std::vector<std::unique_ptr<Pipe>> data_out_;
  std::uint64_t next_alias_ = 1;
  Received received_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::interop
