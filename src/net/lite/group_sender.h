#pragma once

#include <memory>

#include "net/lite/version.h"
#include "net/protocol/object_sender.h"

namespace moq::lite {

/// The source of one group or fetch stream.
class GroupSender final : public ObjectSender {
 public:
  /// `prefix`: what precedes the frames on the stream (the GROUP header; empty
  /// for a fetch).
  GroupSender(const std::shared_ptr<Group>& group, std::shared_ptr<const Delivery> delivery,
              Version version, ByteSpan prefix)
      : ObjectSender(group, group->only(), std::move(delivery), prefix),
        version_(version_info(version)) {}

 private:
  [[nodiscard]] ByteSpan header_at(std::size_t index, std::size_t offset) const override {
    return objects()
        .headers(version_.wire_form)
        .at(objects(), index, version_.encode_frame_header)
        .subspan(offset);
  }

  const VersionInfo& version_;
};

}  // namespace moq::lite
