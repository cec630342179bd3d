#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "net/ietf/subgroup.h"
#include "net/protocol/object_sender.h"

namespace moq::ietf {

/// The source of one subgroup stream, whose objects may have properties.
class SubgroupSender final : public ObjectSender {
 public:
  /// `header`: the encoded SUBGROUP_HEADER.
  SubgroupSender(std::shared_ptr<Group> group, Subgroup& objects,
                 std::shared_ptr<const Delivery> delivery, Version version, ByteSpan header)
      : ObjectSender(std::move(group), objects, std::move(delivery), header),
        version_(version_info(version)) {}

  /// Also if an object has an id that the draft's integers cannot tell.
  std::optional<std::uint64_t> expired() override;

 private:
  [[nodiscard]] ByteSpan header_at(std::size_t index, std::size_t offset) const override;

  /// The header of an object that is the first on the stream but not of its subgroup: its
  /// id is not a difference.
  [[nodiscard]] ByteSpan first_header(std::size_t index) const;

  const VersionInfo& version_;
  mutable std::array<std::uint8_t, EncodedHeaders::kMaxHeader> first_{};
  mutable std::size_t first_size_ = 0;
};

}  // namespace moq::ietf
