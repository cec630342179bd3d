#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "net/base/loop.h"
#include "net/ietf/request.h"
#include "net/ietf/stream.h"

namespace moq::ietf {

/// A request stream of the peer's, until its first message is there and the peer is let in.
class IncomingRequest final : public Task, private transport::RecvHandler {
 public:
  IncomingRequest(Session& session, transport::Stream stream);
  ~IncomingRequest() override;

 private:
  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  void hand_over();
  void drop(StreamError code);

  transport::Stream stream_;
  MessageReader reader_;
  std::optional<RawMessage> message_;
  std::size_t held_ = 0;  ///< bytes that came
  bool fin_ = false;
  bool done_ = false;
  Timer timer_;
};

/// A unidirectional stream of the peer's, until it is known what it is and whose.
class IncomingData final : public Task, private transport::RecvHandler {
 public:
  IncomingData(Session& session, std::shared_ptr<transport::RecvStream> stream);
  ~IncomingData() override;

 private:
  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  /// Goes on with what has come, if it is known where.
  void hand_over();
  void drop(StreamError code);

  std::shared_ptr<transport::RecvStream> stream_;
  StreamStartReader reader_;
  std::optional<StreamStart> start_;
  std::vector<std::uint8_t> held_;  ///< what came behind the beginning
  Time arrival_{};                  ///< of its last part
  bool fin_ = false;
  bool done_ = false;
  bool waiting_ = false;
  Timer timer_;
};

}  // namespace moq::ietf
