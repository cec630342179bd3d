#pragma once

#include <memory>

#include "net/lite/frame.h"
#include "net/lite/message.h"
#include "net/lite/request_stream.h"
#include "net/model/track.h"

namespace moq::lite {

/// Receives one group on its unidirectional stream, into the track's cache as it
/// arrives.
class GroupReceiver final : public Task, private transport::RecvHandler, private FrameSink {
 public:
  GroupReceiver(Session& session, std::shared_ptr<transport::RecvStream> stream);
  ~GroupReceiver() override;

  /// Takes the GROUP message, and what came along. Called once; may retire this.
  void start(const Bytes& header, Bytes rest, bool fin);

 private:
  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  Result<void> on_frame(const FrameHeader& header) override;
  Result<void> on_payload(Bytes chunk) override;
  void stop(std::uint64_t code);
  void done();

  std::shared_ptr<transport::RecvStream> stream_;
  FrameReader frames_;
  std::shared_ptr<Group> group_;
  bool done_ = false;
};

}  // namespace moq::lite
