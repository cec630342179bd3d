#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/coding/integer.h"
#include "net/coding/reader.h"
#include "net/ietf/version.h"
#include "net/model/group.h"

/// Subgroup streams (§"Subgroup Header"): a header, and objects.
namespace moq::ietf {

/// What an object says besides its payload (§"Object Status"). The model knows all but
/// `does_not_exist`, which is draft-14's and 15's: who receives it drops the object.
enum class Status : std::uint8_t {
  normal = 0,
  does_not_exist = 1,
  end_of_group = 3,
  end_of_track = 4,
};
[[nodiscard]] std::string_view to_string(Status status);
[[nodiscard]] std::optional<ObjectStatus> to_model(Status status);

/// Reads a status that the draft has; fails with `invalid_value` for others.
[[nodiscard]] Result<Status> to_status(const ObjectRules& rules, std::uint64_t number);
/// Whether an object of `status` may have properties.
[[nodiscard]] bool may_have_properties(const ObjectRules& rules, Status status);

/// Bits of a SUBGROUP_HEADER's type that not every draft has (ObjectRules::subgroup_bits).
inline constexpr std::uint8_t kSubgroupDefaultPriority = 0x20;  ///< no priority follows
inline constexpr std::uint8_t kSubgroupFirstObject = 0x40;      ///< the stream begins the subgroup

/// How a SUBGROUP_HEADER tells the subgroup's id: the two bits of its type.
enum class SubgroupIdMode : std::uint8_t {
  zero = 0,          ///< it is 0
  first_object = 1,  ///< it is the id of the first object on the stream
  explicit_id = 2,   ///< it is in the header
};

struct SubgroupHeader {
  std::uint64_t track_alias = 0;
  std::uint64_t group = 0;
  SubgroupIdMode id_mode = SubgroupIdMode::zero;
  std::uint64_t subgroup = 0;  ///< of explicit_id; otherwise 0
  /// None: the one that the track's messages say. Not in draft-14.
  std::optional<std::uint8_t> priority = {};
  /// Each object has a list of properties, maybe empty; otherwise none has.
  bool has_properties = false;
  /// If the stream ends with a FIN, its last object is the last of the group.
  bool end_of_group = false;
  /// The first object on the stream is the subgroup's first. Since draft-18.
  bool first_object = false;

  friend bool operator==(const SubgroupHeader&, const SubgroupHeader&) = default;
};

/// Whether `type` begins a subgroup stream: a type that the draft's table has.
[[nodiscard]] bool is_subgroup_type(const VersionInfo& version, std::uint64_t type);

/// The header behind its type, which is_subgroup_type. Fails with `short_buffer`.
[[nodiscard]] Result<SubgroupHeader> read_subgroup_header(std::uint64_t type, coding::Reader& in);
/// What a subgroup stream begins with. Fails with `invalid_value` if the draft cannot say
/// it (no priority, first_object), and with `too_large` for a number beyond its integers.
[[nodiscard]] Result<std::vector<std::uint8_t>> encode(Version version,
                                                       const SubgroupHeader& header);

/// What precedes an object's payload on a stream.
struct StreamObject {
  std::uint64_t id = 0;
  /// As they came, in the form VersionInfo::properties; not checked.
  Bytes properties = {};
  std::uint64_t size = 0;  ///< of the payload, in bytes
  Status status = Status::normal;

  friend bool operator==(const StreamObject&, const StreamObject&) = default;
};

/// Receives the objects of one subgroup stream.
class SubgroupSink {
 public:
  /// An object begins; exactly `object.size` bytes of payload follow. An error stops
  /// the reader and is returned by feed().
  virtual Result<void> on_object(const StreamObject& object) = 0;
  /// The next part of its payload, never empty: a part of what was fed, not a copy.
  virtual Result<void> on_payload(Bytes chunk) = 0;

 protected:
  ~SubgroupSink() = default;
};

/// Properties that arrive in pieces: one piece is shared, several are copied.
class PropertyBuffer {
 public:
  /// Fails with `too_large` above kMaxObjectProperties.
  Result<void> begin(std::uint64_t size);
  [[nodiscard]] bool done() const { return missing_ == 0; }
  /// Takes what belongs to them from `bytes` at `at`, and returns how much that was.
  std::size_t take(const Bytes& bytes, std::size_t at);
  /// Once they are done. Begins anew.
  [[nodiscard]] Bytes finish();

 private:
  std::size_t missing_ = 0;
  Bytes whole_;
  std::vector<std::uint8_t> parts_;
};

/// Reads what follows a SUBGROUP_HEADER, in chunks as they arrive. Keeps no payload, and
/// of properties at most kMaxObjectProperties bytes. After an error it must not be fed
/// again.
class SubgroupReader {
 public:
  /// `max_size`: the largest payload of an object in bytes, Group::Limits::max_bytes.
  /// The sink must outlive the reader.
  SubgroupReader(Version version, bool has_properties, SubgroupSink& sink, std::uint64_t max_size);

  /// Fails with `too_large` for an object or properties above their limits, as soon as
  /// the size is known; with `invalid_value` for an id beyond the draft's integers, a
  /// status that it does not have, or properties of a status that has none, and for an
  /// object behind one that ends the group or the track; or with the sink's error.
  Result<void> feed(const Bytes& bytes);
  /// For the end of the stream: fails with `short_buffer` inside an object.
  [[nodiscard]] Result<void> finish() const;

 private:
  enum class State : std::uint8_t { id, properties_size, properties, size, status, payload };

  Result<void> on_integer(std::uint64_t value);
  Result<void> on_id(std::uint64_t delta);
  Result<void> on_size(std::uint64_t size);
  Result<void> begin();

  const VersionInfo& version_;
  bool has_properties_;
  SubgroupSink& sink_;
  std::uint64_t max_size_;
  State state_ = State::id;
  coding::IntegerAccumulator integer_;
  PropertyBuffer properties_;
  StreamObject object_;
  bool first_ = true;
  bool ended_ = false;
  std::uint64_t remaining_ = 0;
};

/// The forms in which EncodedHeaders keeps headers of objects: not those of net/lite,
/// whose readers follow the same groups.
inline constexpr std::size_t kWireFormQuicPlain = 2;  ///< id, size, status
/// Id, the properties' size, size, status; any object may have properties.
inline constexpr std::size_t kWireFormQuicProperties = 3;
inline constexpr std::size_t kWireFormVi64Plain = 4;
/// Here only an object of normal status may.
inline constexpr std::size_t kWireFormVi64Properties = 5;

/// Encoders of the four forms, for EncodedHeaders::at. Where there are properties, they
/// go between the two parts that object_header_split tells apart. Ids must ascend.
std::size_t encode_object_quic_plain(const Object& object, EncodedHeaders::Place& place,
                                     std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out);
std::size_t encode_object_quic_properties(const Object& object, EncodedHeaders::Place& place,
                                          std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out);
std::size_t encode_object_vi64_plain(const Object& object, EncodedHeaders::Place& place,
                                     std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out);
std::size_t encode_object_vi64_properties(const Object& object, EncodedHeaders::Place& place,
                                          std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out);

/// How many bytes of an encoded header go before the properties, in a form with
/// properties; the rest goes behind them.
[[nodiscard]] std::size_t object_header_split(const VersionInfo& version, ByteSpan header);

/// The properties that go with the header of object number `index`, which is encoded
/// already: its own, as the draft encodes them, but none where its status has none (an
/// object of draft-14 on its way to another).
[[nodiscard]] ByteSpan sent_properties(const VersionInfo& version, const Subgroup& subgroup,
                                       std::size_t index);
/// The same of any object, in memory of its own where they are not as they came.
/// `timescale`: its track's.
[[nodiscard]] Bytes properties_for(const VersionInfo& version, const Object& object,
                                   std::uint64_t timescale);
/// `timestamp`, of a track's timescale, as objects of drafts with these integers have it:
/// those before draft-17 have no way to tell a timescale, so it is in microseconds.
[[nodiscard]] std::uint64_t sent_timestamp(coding::IntegerForm form, std::uint64_t timestamp,
                                           std::uint64_t timescale);

/// A header as it is sent, for objects that are not of the model: properties go where
/// `split` is.
struct EncodedObject {
  std::vector<std::uint8_t> bytes;
  std::size_t split = 0;
};
/// `previous`: the id of the object before on the stream. `properties_size`: of a stream
/// that has properties. Fails with `invalid_value` if the id does not ascend or a status
/// comes with a payload, and with `too_large` for a number beyond the draft's integers.
[[nodiscard]] Result<EncodedObject> encode_object(const VersionInfo& version,
                                                  const StreamObject& object,
                                                  std::optional<std::uint64_t> previous,
                                                  std::optional<std::uint64_t> properties_size);

}  // namespace moq::ietf
