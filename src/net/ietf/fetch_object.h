#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/coding/integer.h"
#include "net/ietf/subgroup.h"
#include "net/ietf/types.h"
#include "net/ietf/version.h"

/// The objects of a fetch, behind a FETCH_HEADER (§"Fetch Header").
namespace moq::ietf {

/// What precedes an object's payload on a fetch's stream.
struct FetchObject {
  Location location = {};
  /// None: it was published in a datagram. (Draft-14 cannot tell: such an object has its
  /// own id as that of its subgroup.)
  std::optional<std::uint64_t> subgroup = {};
  std::uint8_t priority = 0;
  /// As they came, in the form VersionInfo::properties; not checked.
  Bytes properties = {};
  std::uint64_t size = 0;  ///< of the payload, in bytes
  Status status = Status::normal;

  friend bool operator==(const FetchObject&, const FetchObject&) = default;
};

/// What is not there: all from behind the object or end before it, up to `last`.
struct EndOfRange {
  Location last = {};
  bool unknown = false;  ///< nobody knows; otherwise there are no such objects

  friend bool operator==(const EndOfRange&, const EndOfRange&) = default;
};

/// Receives the objects of one fetch.
class FetchSink {
 public:
  /// An object begins; exactly `object.size` bytes of payload follow. An error stops the
  /// reader and is returned by feed().
  virtual Result<void> on_object(const FetchObject& object) = 0;
  /// The next part of its payload, never empty: a part of what was fed, not a copy.
  virtual Result<void> on_payload(Bytes chunk) = 0;
  /// Only in drafts with FetchForm::ranges.
  virtual Result<void> on_end_of_range(const EndOfRange& range) = 0;

 protected:
  ~FetchSink() = default;
};

/// What flags refer to: the object or end of a range before, and the last object.
struct FetchPrior {
  std::optional<Location> location = {};
  std::optional<std::uint64_t> subgroup = {};
  std::optional<std::uint8_t> priority = {};
};

/// Reads what follows a FETCH_HEADER, in chunks as they arrive. Keeps no payload, and of
/// properties at most kMaxObjectProperties bytes. After an error it must not be fed again.
class FetchReader {
 public:
  /// `order`: of the groups, as the request says. `publisher`, which only draft-14 has,
  /// is not checked: FETCH_OK, which tells the order, may come later than the objects.
  /// `max_size`: the largest payload of an object in bytes. The sink must outlive the
  /// reader.
  FetchReader(Version version, GroupOrder order, FetchSink& sink, std::uint64_t max_size);

  /// Fails with `too_large` for an object or properties above their limits, as soon as
  /// the size is known; with `invalid_value` for flags that the draft does not have or
  /// that refer to nothing, a group or object beyond its integers, or a status that is
  /// wrong; with StreamError::malformed_track for an object that is not behind the one
  /// before (§"Malformed Tracks"); or with the sink's error.
  Result<void> feed(const Bytes& bytes);
  /// For the end of the stream: fails with `short_buffer` inside an object.
  [[nodiscard]] Result<void> finish() const;

 private:
  enum class State : std::uint8_t {
    flags,
    group,
    subgroup,
    object,
    priority,
    properties_size,
    properties,
    size,
    status,
    payload,
  };

  Result<void> on_integer(std::uint64_t value);
  Result<void> on_flags(std::uint64_t flags);
  Result<void> on_group(std::uint64_t value);
  Result<void> on_object_id(std::uint64_t value);
  Result<void> on_size(std::uint64_t size);
  /// Goes to the first field from `state` on that is there.
  Result<void> skip_to(State state);
  [[nodiscard]] bool has(State state) const;
  /// Fills in what no field says, once all ids are known.
  Result<void> resolve();
  Result<void> begin();
  Result<void> end_range();
  Result<void> check_order() const;

  const VersionInfo& version_;
  const FetchForm& form_;
  GroupOrder order_;
  FetchSink& sink_;
  std::uint64_t max_size_;
  State state_ = State::flags;
  coding::IntegerAccumulator integer_;
  PropertyBuffer properties_;
  std::uint64_t flags_ = 0;
  FetchObject object_;
  FetchPrior prior_;
  std::uint64_t remaining_ = 0;
};

/// Makes what goes before payloads on a fetch's stream, one after the other.
class FetchWriter {
 public:
  /// `order`: of the groups, ascending or descending.
  FetchWriter(Version version, GroupOrder order);

  /// Appends an object's header to `out`, properties and all: `object.size` bytes of
  /// payload are to follow. Fails with `invalid_value` if it is not behind the one
  /// before, or has a status that the draft cannot send, and with `too_large` for a
  /// number beyond its integers; nothing is appended then.
  Result<void> object(std::vector<std::uint8_t>& out, const FetchObject& object);
  /// Appends an end of a range. Fails as `object` does, and with `unsupported` where the
  /// draft has none.
  Result<void> end_of_range(std::vector<std::uint8_t>& out, const EndOfRange& range);

 private:
  void write_flagged(coding::Writer& out, const FetchObject& object) const;
  void write_absolute(coding::Writer& out, const FetchObject& object) const;
  [[nodiscard]] bool behind_prior(Location location) const;

  const VersionInfo& version_;
  GroupOrder order_;
  FetchPrior prior_;
};

}  // namespace moq::ietf
