#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/ietf/subgroup.h"
#include "net/ietf/version.h"

/// Objects in datagrams (§"Object Datagram").
namespace moq::ietf {

struct ObjectDatagram {
  std::uint64_t track_alias = 0;
  std::uint64_t group = 0;
  std::uint64_t object = 0;
  /// None: the one that the track's messages say. Not in draft-14.
  std::optional<std::uint8_t> priority = {};
  /// In the form VersionInfo::properties; not checked.
  Bytes properties = {};
  bool end_of_group = false;  ///< it is the last of its group
  Status status = Status::normal;
  Bytes payload = {};  ///< of a normal object

  friend bool operator==(const ObjectDatagram&, const ObjectDatagram&) = default;
};

/// Whether `type` begins a datagram with an object: a type that the draft's table has.
[[nodiscard]] bool is_object_datagram_type(const VersionInfo& version, std::uint64_t type);

/// The object in a datagram, whose payload and properties share the datagram's storage;
/// none if it is padding, which is dropped. Whatever the error, it is to close the
/// session: `unknown_type`; `short_buffer`; `invalid_value` for a list of properties
/// that is there but empty, a status that the draft does not have, or properties of one
/// that has none; `trailing_bytes` behind a status.
[[nodiscard]] Result<std::optional<ObjectDatagram>> decode_datagram(Version version,
                                                                    const Bytes& bytes);

/// Fails with `invalid_value` if the draft cannot say it, and with `too_large` for a
/// number beyond its integers. Whether a datagram can be so long is for the transport.
[[nodiscard]] Result<std::vector<std::uint8_t>> encode(Version version,
                                                       const ObjectDatagram& datagram);

}  // namespace moq::ietf
