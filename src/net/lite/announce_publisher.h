#pragma once

#include <memory>
#include <set>
#include <span>
#include <vector>

#include "net/lite/request_stream.h"
#include "net/model/origin.h"

namespace moq::lite {

/// Serves one announce request of the peer's: tells it of every broadcast below
/// a prefix that it may read, and of every change. Where nothing is published,
/// that is nothing, for as long as the peer cares to wait.
class AnnouncePublisher final : public RequestStream, private AnnounceReader {
 public:
  /// What a path that the peer was told of costs besides its text.
  static constexpr std::size_t kPathOverhead = 128;

  AnnouncePublisher(Session& session, transport::Stream stream, MessageReader reader);
  ~AnnouncePublisher() override;

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  Result<void> begin(ByteSpan message) override;
  void on_fin() override;
  void on_cancel(std::uint64_t code) override;
  void on_announcements(const std::vector<Announcement>& changes) override;

  /// The id of this end; 0, unknown, if it has no origin.
  [[nodiscard]] std::uint64_t own_hop() const;
  /// Whether the peer may hear of it, and its hops fit.
  [[nodiscard]] bool tellable(const Announcement& change) const;
  /// Appends what the first answer begins with; `changes` is then what is left to tell.
  [[nodiscard]] bool begin_answer(std::span<const Announcement>& changes,
                                  std::vector<std::uint8_t>& out);
  /// Takes note that the peer is told of a path; false if it knows too much already.
  [[nodiscard]] bool note(const Path& path);
  /// Appends what there is to tell of it; false if the peer knows too much already.
  [[nodiscard]] bool announce(const Announcement& change, std::vector<std::uint8_t>& out);

  Path prefix_;  ///< in the origin's terms
  std::unique_ptr<Origin::Watch> watch_;
  bool told_initial_ = false;
  std::set<Path> active_;  ///< what the peer has been told of
};

}  // namespace moq::lite
