#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "net/ietf/request.h"
#include "net/ietf/subgroup.h"
#include "net/model/track.h"

namespace moq::ietf {

class RemoteTrack;

/// A subgroup stream of the peer's, on its way into a group.
class SubgroupReceiver final : public Task, private transport::RecvHandler, private SubgroupSink {
 public:
  SubgroupReceiver(Session& session, std::shared_ptr<transport::RecvStream> stream,
                   const SubgroupHeader& header);
  ~SubgroupReceiver() override;

  /// `rest`: what came behind the header, until `arrival`.
  void start(RemoteTrack& track, Bytes rest, bool fin, Time arrival);

 private:
  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  Result<void> on_object(const StreamObject& object) override;
  Result<void> on_payload(Bytes chunk) override;
  /// Begins the subgroup, whose id may be that of its first object.
  Result<void> begin(std::uint64_t first_object);
  void stop(StreamError code);
  void done();

  std::shared_ptr<transport::RecvStream> stream_;
  SubgroupHeader header_;
  SubgroupReader reader_;
  std::shared_ptr<Track> track_;
  std::shared_ptr<Group> group_;
  Subgroup* objects_ = nullptr;  ///< once it has begun
  std::optional<Time> arrival_;  ///< of what is being read; none: now
  bool continues_ = false;       ///< another stream has begun it
  bool skipping_ = false;        ///< an object that does not exist, or is there
  bool ends_group_ = false;
  bool done_ = false;
};

}  // namespace moq::ietf
