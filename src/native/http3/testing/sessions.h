#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "native/http3/webtransport.h"
#include "native/quic/testing/peers.h"

namespace moq::native::http3::testing {

using quic::testing::Pair;
using quic::testing::StreamLog;
using quic::testing::TextSource;

/// One side of a session, remembering what it hears.
class SessionLog final : public transport::SessionHandler {
 public:
  explicit SessionLog(std::shared_ptr<WebTransportSession> held) : session(std::move(held)) {
    session->set_handler(this);
  }
  SessionLog(const SessionLog&) = delete;
  SessionLog& operator=(const SessionLog&) = delete;
  ~SessionLog() { leave(); }
  void leave() {
    if (session) session->set_handler(nullptr);
    session.reset();
  }

  void on_uni(std::shared_ptr<transport::RecvStream> stream) override {
    on_bidi({.send = nullptr, .recv = std::move(stream)});
  }
  void on_bidi(transport::Stream stream) override {
    if (!keep) return;
    auto& in = *incoming.emplace_back(std::make_unique<Incoming>());
    in.stream = std::move(stream);
    if (listen) in.stream.recv->set_handler(&in.log);
    if (in.stream.send && answer) {
      session->attach(*in.stream.send, {}, std::make_unique<TextSource>(*answer), &in.log);
    }
  }
  void on_datagram(Bytes datagram) override { datagrams.emplace_back(datagram.text()); }
  void on_going_away() override { ++going_away; }
  void on_closed(const Error& error, bool by_peer) override {
    closed = error;
    closed_by_peer = by_peer;
  }

  StreamLog& send_uni(std::string text, bool fin = true) {
    auto& log = *logs.emplace_back(std::make_unique<StreamLog>());
    sends.push_back(
        session->open_uni({}, std::make_unique<TextSource>(std::move(text), fin), &log));
    return log;
  }
  StreamLog& send_bidi(std::string text, bool fin = true) {
    auto& log = *logs.emplace_back(std::make_unique<StreamLog>());
    bidis.push_back(
        session->open_bidi({}, std::make_unique<TextSource>(std::move(text), fin), &log, &log));
    return log;
  }

  struct Incoming {
    transport::Stream stream;
    StreamLog log;
  };
  std::shared_ptr<WebTransportSession> session;
  std::deque<std::unique_ptr<Incoming>> incoming;
  std::deque<std::unique_ptr<StreamLog>> logs;
  std::vector<std::shared_ptr<transport::SendStream>> sends;
  std::vector<transport::Stream> bidis;
  std::vector<std::string> datagrams;
  int going_away = 0;  ///< how often the peer was heard to say so
  std::optional<Error> closed;
  bool closed_by_peer = false;
  bool keep = true;    ///< the peer's streams; otherwise they are dropped
  bool listen = true;  ///< to them at once
  std::optional<std::string> answer;
};

/// A server of WebTransport at one end of a simulated network; whoever likes at the other.
class Server {
 public:
  explicit Server(Pair::Options options = {}, Limits limits = {})
      : pair(std::move(options)),
        connections(std::make_unique<Connections>(
            pair.network.loop(), limits,
            ServerOptions{.protocols = {"moq-lite-04", "moq-lite-05"},
                          .decide =
                              [this](const ConnectRequest& request, const quic::Connection&,
                                     const Answer& answer) {
                                asked = request;
                                if (status) return answer(*status);
                                answers.push_back(answer);
                              },
                          .accepted =
                              [this](std::shared_ptr<WebTransportSession> session) {
                                if (!accept) return;
                                sessions.push_back(
                                    std::make_unique<SessionLog>(std::move(session)));
                                sessions.back()->keep = keep;
                                sessions.back()->listen = listen;
                              }})) {}

  /// Connects the two ends with QUIC, without a word of the client's.
  bool connect() {
    if (!pair.connect()) return false;
    connections->accept(pair.server->connection);
    return true;
  }
  bool until(const std::function<bool()>& done) { return pair.network.run_until(done); }
  void run(Duration duration = std::chrono::milliseconds(200)) { pair.network.run_for(duration); }
  [[nodiscard]] SessionLog& session() { return *sessions.at(0); }

  Pair pair;
  std::optional<int> status = 200;  ///< none: `answers` has those that wait
  std::vector<Answer> answers;
  bool accept = true;
  bool keep = true;
  bool listen = true;
  std::optional<ConnectRequest> asked;
  std::vector<std::unique_ptr<SessionLog>> sessions;
  std::unique_ptr<Connections> connections;
};

}  // namespace moq::native::http3::testing
