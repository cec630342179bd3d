#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/ietf/subgroup.h"
#include "net/ietf/version.h"

/// Unidirectional streams: their types, and what they begin with (§"Unidirectional
/// Stream Types").
namespace moq::ietf {

enum class StreamKind : std::uint8_t {
  subgroup,
  fetch,    ///< the objects of a fetch
  setup,    ///< a control stream
  padding,  ///< zeros, to be read and dropped
};

inline constexpr std::uint64_t kFetchStream = 0x05;
inline constexpr std::uint64_t kPaddingStream = 0x132b3e28;
inline constexpr std::uint64_t kPaddingDatagram = 0x132b3e29;

/// What a stream of `type` is; none if the draft has no such type, which is to close the
/// session.
[[nodiscard]] std::optional<StreamKind> stream_kind(const VersionInfo& version, std::uint64_t type);

/// FETCH_HEADER.
struct FetchHeader {
  std::uint64_t request_id = 0;

  friend bool operator==(const FetchHeader&, const FetchHeader&) = default;
};
/// What a fetch's stream begins with. Fails with `too_large` for a number beyond the
/// draft's integers.
[[nodiscard]] Result<std::vector<std::uint8_t>> encode(Version version, const FetchHeader& header);
/// What a padding stream or datagram begins with; zeros may follow.
[[nodiscard]] std::vector<std::uint8_t> encode_padding(Version version, std::uint64_t type);

/// The beginning of a unidirectional stream.
struct StreamStart {
  StreamKind kind = StreamKind::padding;
  std::uint64_t type = 0;
  SubgroupHeader subgroup = {};  ///< of that kind
  FetchHeader fetch = {};        ///< of that kind
};

/// Reads the beginning of a unidirectional stream, as its bytes arrive. Keeps no more of
/// them than a header can have.
class StreamStartReader {
 public:
  explicit StreamStartReader(Version version) : version_(version_info(version)) {}

  /// Takes what came. Returns the beginning once it is whole, and keeps what is behind
  /// it for take_rest: the objects of a subgroup or fetch (SubgroupReader, FetchReader),
  /// or the SETUP behind its type (MessageReader::begin). Fails with `unknown_type`, and
  /// with `short_buffer` when the stream ends (`fin`) too early; an empty stream with
  /// that, too. Not to be called again after either.
  Result<std::optional<StreamStart>> feed(const Bytes& bytes, bool fin = false);
  [[nodiscard]] Bytes take_rest() { return std::move(rest_); }

 private:
  Result<StreamStart> read(coding::Reader& in) const;

  const VersionInfo& version_;
  std::vector<std::uint8_t> held_;
  Bytes rest_;
};

}  // namespace moq::ietf
