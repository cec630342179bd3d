#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "native/client/dialer.h"
#include "native/server/server.h"

/// A server that echoes streams, and clients for it, on real sockets.
namespace moq::native::testing {

/// How long a test waits for what it takes for certain.
inline constexpr Duration kGenerous = std::chrono::seconds(60);

/// A send stream's whole content.
class TextSource final : public transport::SendSource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  transport::Pull pull(std::span<ByteSpan> slices) override {
    if (sent_ < text_.size()) {
      slices[0] = as_bytes(text_).subspan(sent_);
      return {.count = 1, .fin = true};
    }
    return {.count = 0, .fin = true};
  }
  void sent(std::size_t size, bool) override { sent_ += size; }

 private:
  std::string text_;
  std::size_t sent_ = 0;
};

/// A session that answers each uni stream with one of the same text.
class Echo final : public transport::SessionHandler, public transport::RecvHandler {
 public:
  explicit Echo(std::shared_ptr<transport::Session> session) : session_(std::move(session)) {
    session_->set_handler(this);
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  ~Echo() {
    if (session_) session_->set_handler(nullptr);
  }
  void on_uni(std::shared_ptr<transport::RecvStream> stream) override {
    stream_ = std::move(stream);
    stream_->set_handler(this);
  }
  void on_bidi(transport::Stream) override {}
  void on_datagram(Bytes) override {}
  void on_closed(const Error& error, bool) override { closed = error; }
  void on_data(Bytes data, bool fin) override {
    text += data.text();
    if (!fin || !echo) return;
    say(std::exchange(text, {}));
  }
  void on_reset(std::uint64_t) override {}

  void say(std::string what) {
    out_.push_back(session_->open_uni({}, std::make_unique<TextSource>(std::move(what)), nullptr));
  }
  transport::Session& session() { return *session_; }

  bool echo = false;
  std::string text;
  std::optional<Error> closed;

 private:
  std::shared_ptr<transport::Session> session_;
  std::shared_ptr<transport::RecvStream> stream_;
  std::vector<std::shared_ptr<transport::SendStream>> out_;
};

/// Echoes on all workers. Trusted by the clients of `dialer_config`.
struct TestServer {
  explicit TestServer(std::size_t workers, const char* listen = "[::]:0") {
    ServerConfig config;
    config.listen = *SocketAddress::parse(listen);
    config.workers = workers;
    config.alpns = {"moq-test-2", "moq-test-1"};
    config.with_ctrl_c_handler(false);
    start(std::move(config));
  }
  using Decide = decltype(ServerHandlers::on_request);

  explicit TestServer(ServerConfig config, Decide decide = {}) {
    start(std::move(config), std::move(decide));
  }

  void start(ServerConfig config, Decide decide = {}) {
    echoes.resize(config.workers);
    ServerHandlers handlers;
    handlers.on_request = std::move(decide);
    handlers.on_session = [this](Worker& worker, std::shared_ptr<transport::Session> session,
                                 const Arrival& /*arrival*/) {
      auto& mine = echoes.at(worker.index());
      mine.push_back(std::make_unique<Echo>(std::move(session)));
      mine.back()->echo = true;
    };
    handlers.on_stop = [this](Worker& worker) { echoes.at(worker.index()).clear(); };
    auto started = Server::start(std::move(config), certificates, std::move(handlers));
    EXPECT_TRUE(started) << started.error().message();
    server = *std::move(started);
  }

  [[nodiscard]] std::string url(const char* host) const {
    return fmt::format("moqt://{}:{}/", host, server->local_address().port());
  }
  [[nodiscard]] DialerConfig dialer_config() const {
    DialerConfig config;
    config.alpns = {"moq-test-1", "moq-test-2"};
    config.tls.fingerprint = {tls::to_hex(certificates.fingerprints[0])};
    return config;
  }
  /// How many sessions a worker has; from the test's thread.
  std::size_t sessions(std::size_t worker) {
    std::promise<std::size_t> count;
    server->at(worker).events().post([&] { count.set_value(echoes[worker].size()); });
    return count.get_future().get();
  }

  tls::ServerCertificates certificates =
      *tls::load_server_certificates({.generate = {"localhost", "127.0.0.1"}});
  std::vector<std::vector<std::unique_ptr<Echo>>> echoes;
  std::unique_ptr<Server> server;
};

using ConnectionResult = Result<std::shared_ptr<transport::Session>>;

/// Connects, running the loop meanwhile.
inline ConnectionResult dial(EventLoop& events, Dialer& client, const std::string& url) {
  std::optional<ConnectionResult> result;
  const auto dialling = client.connect(
      *Url::parse(url), [&](ConnectionResult outcome) { result.emplace(std::move(outcome)); });
  EXPECT_TRUE(events.run_until([&] { return result.has_value(); }, kGenerous));
  return std::move(*result);
}

}  // namespace moq::native::testing
