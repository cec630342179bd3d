#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/base/time.h"
#include "net/model/track_info.h"

namespace moq {

class Cache;
struct CacheState;
class Group;
class Subgroup;

/// What an object says besides its payload (moq-transport §"Object Status").
enum class ObjectStatus : std::uint8_t { normal = 0, end_of_group = 3, end_of_track = 4 };

/// What is known of an object when its header has arrived.
struct ObjectHeader {
  /// Position in the group. moq-lite counts from 0 without gaps.
  std::uint64_t id = 0;
  /// Presentation time in units of the track's timescale.
  std::uint64_t timestamp = 0;
  /// Declared payload size in bytes. Nothing is allocated from it.
  std::uint64_t size = 0;
  /// When its first byte arrived here, or it was made. kNever: not told, so it is never late.
  Time arrival = kNever;
  ObjectStatus status = ObjectStatus::normal;
  /// How its properties are encoded, by a number of the protocol family's; 0: it came
  /// without a place for them.
  std::uint8_t properties_form = 0;
  /// Encoded properties as received, forwarded byte for byte; empty in moq-lite.
  Bytes properties;
};

/// One object (a moq-lite frame): its header, and its payload as far as it has
/// arrived, in chunks that never change and never move.
struct Object : ObjectHeader {
  /// A chunk may grow when what arrives next continues it in the same storage;
  /// the bytes that it had stay where they are.
  boost::container::small_vector<Bytes, 1> payload;
  /// Bytes of payload that have arrived; `size` when complete.
  std::uint64_t received = 0;

  [[nodiscard]] bool complete() const { return received == size; }
  /// The whole payload as one slice; copies only if it came in several chunks.
  [[nodiscard]] Bytes flatten() const;
};

/// Follows one subgroup as it grows. Detaches itself when destroyed.
class SubgroupReader : public boost::intrusive::list_base_hook<
                           boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  SubgroupReader() = default;
  SubgroupReader(const SubgroupReader&) = delete;
  SubgroupReader& operator=(const SubgroupReader&) = delete;

  /// Objects or payload were appended, or the state changed. Called once for
  /// each arrival and reader, so it only marks something ready; it must not
  /// change the group or its readers (it may detach itself).
  virtual void on_progress() = 0;

 protected:
  ~SubgroupReader() = default;
};

/// Follows which subgroups a group has. Detaches itself when destroyed.
class GroupReader : public boost::intrusive::list_base_hook<
                        boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  GroupReader() = default;
  GroupReader(const GroupReader&) = delete;
  GroupReader& operator=(const GroupReader&) = delete;

  /// A subgroup was added, or the group was closed. The same rules as for
  /// SubgroupReader::on_progress.
  virtual void on_subgroups() = 0;

 protected:
  ~GroupReader() = default;
};

/// Headers of a subgroup's objects as one wire form encodes them, encoded once
/// for all readers. Entries never move. A wire form is a number that a protocol
/// family picks; the model gives it no meaning.
class EncodedHeaders {
 public:
  static constexpr std::size_t kMaxHeader = 40;
  /// What else an encoder goes by.
  struct Place {
    const Object* previous = nullptr;  ///< null for the first
    std::uint64_t timescale = 0;       ///< the group's
    /// Set by the encoder: the object's properties as the form has them, where that is
    /// not as they came.
    std::optional<Bytes> properties = {};
  };
  /// Encodes `object`'s header into `out`, and returns its length.
  using Encoder = std::size_t (*)(const Object& object, Place& place,
                                  std::span<std::uint8_t, kMaxHeader> out);

  /// The header of object number `index` (not id; below `objects().size()`),
  /// encoding up to it if need be. Valid as long as the group.
  ByteSpan at(const Subgroup& subgroup, std::size_t index, Encoder encoder);
  /// The properties that its encoder has set. For after `at`; as valid.
  [[nodiscard]] std::optional<ByteSpan> properties(std::size_t index) const;

 private:
  struct Entry {
    std::uint8_t size;
    std::uint8_t bytes[kMaxHeader];
  };
  std::deque<Entry> entries_;
  std::map<std::size_t, Bytes> properties_;
};

/// What a subgroup is besides its objects.
struct SubgroupInfo {
  bool ends_group = true;  ///< its last object is the group's, once it is finished
  /// Of its publisher, higher first; none: its track's.
  std::optional<std::uint8_t> priority = {};
};

/// An append-only list of objects that are delivered in order on one stream.
/// moq-lite groups have exactly one, with id 0.
///
/// Whoever appends holds a shared_ptr to the group: an append may overdraw the
/// cache, which then lets go of old groups, possibly of this one.
class Subgroup {
 public:
  enum class State : std::uint8_t { open, finished, aborted };

  /// Wire forms that `headers` knows.
  static constexpr std::size_t kMaxForms = 8;

  Subgroup(const Subgroup&) = delete;
  Subgroup& operator=(const Subgroup&) = delete;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] Group& group() const { return group_; }
  [[nodiscard]] State state() const { return state_; }
  /// The stream code that an aborted subgroup was given up with.
  [[nodiscard]] std::uint64_t abort_code() const { return abort_code_; }
  /// References stay valid as long as the group.
  [[nodiscard]] const std::deque<Object>& objects() const { return objects_; }

  /// Begins the next object. Fails with `closed` if the subgroup is not open,
  /// `incomplete` if the object before it is, `out_of_order` if ids do not
  /// increase, `too_many` or `too_large` if a limit of the group is passed (by
  /// what the object declares, too).
  Result<void> append_object(ObjectHeader header);
  /// Appends to the last object's payload. Fails with `too_large` beyond its
  /// declared size or the group's limit, `closed` if the subgroup is not open.
  Result<void> append_payload(Bytes chunk);
  /// A whole object at once; `header.size` is taken from the payload.
  Result<void> append(ObjectHeader header, Bytes payload);
  /// Whether its last object is the last of the group, once it is finished.
  [[nodiscard]] bool ends_group() const { return info_.ends_group; }
  /// It does, as has become known later.
  void set_ends_group() { info_.ends_group = true; }
  [[nodiscard]] const SubgroupInfo& info() const { return info_; }

  /// No further objects. An incomplete last object makes it an abort, with the
  /// code CANCELLED. Does nothing unless open.
  void finish();
  /// Given up with stream code `code`; what is there stays readable. Does
  /// nothing unless open.
  void abort(std::uint64_t code);

  /// The reader hears of all that comes from now on.
  void attach(SubgroupReader& reader);

  /// The encoded headers of wire form `form`, below kMaxForms.
  EncodedHeaders& headers(std::size_t form) const;

 private:
  friend class Group;
  Subgroup(Group& group, std::uint64_t id, const SubgroupInfo& info)
      : group_(group), id_(id), info_(info) {}
  Result<void> check_object(const ObjectHeader& header) const;
  Result<void> check_payload(std::uint64_t size) const;
  /// Both return what has to be charged to the cache.
  std::uint64_t add_object(ObjectHeader header);
  std::uint64_t add_payload(Bytes chunk);
  void set_aborted(std::uint64_t code);
  void notify();

  using Readers =
      boost::intrusive::list<SubgroupReader, boost::intrusive::constant_time_size<false>>;

  Group& group_;
  std::uint64_t id_;
  SubgroupInfo info_;
  State state_ = State::open;
  std::uint64_t abort_code_ = 0;
  std::deque<Object> objects_;
  Readers readers_;
  mutable boost::container::small_vector<std::unique_ptr<EncodedHeaders>, 2> headers_;
};

/// Who keeps groups in an index, and hears what happens to them.
class GroupOwner {
 public:
  /// The group has its first timestamp, or an earlier object changed it.
  virtual void on_first_object(Group& group) = 0;
  /// The cache has aborted the group: it leaves the index.
  virtual void on_evicted(Group& group) = 0;

 protected:
  ~GroupOwner() = default;
};

/// A group: objects that can be decoded without any other group. Shared by the
/// track's cache and by every reader; what it holds is freed with the last.
///
/// Bytes are charged to the cache until then: payload and properties as they
/// arrive, kObjectOverhead for each object, kChunkOverhead for each further
/// chunk of its payload, and kOverhead for the group itself. So a budget bounds
/// the memory even of groups with hardly anything in them. A group may outlive
/// its cache.
class Group : public std::enable_shared_from_this<Group> {
 public:
  static constexpr std::uint64_t kOverhead = 2048;
  static constexpr std::uint64_t kObjectOverhead = 168;
  static constexpr std::uint64_t kChunkOverhead = 48;
  /// Stream code CANCELLED (moq-lite): given up by who makes it.
  static constexpr std::uint64_t kCancelledCode = 0x1;

  struct Limits {
    std::uint64_t max_bytes = 32U << 20;  ///< payload of a group, and of an object
    std::size_t max_objects = 65536;      ///< in all subgroups
    std::size_t max_subgroups = 64;
    /// Payload and properties are those of a group of another worker, whose
    /// cache counts them: only the overheads are charged here.
    bool counted_elsewhere = false;
  };

  /// `arrival`: when its first byte arrived here.
  Group(Cache& cache, std::uint64_t sequence, Time arrival, const Limits& limits);
  Group(std::shared_ptr<CacheState> cache, std::uint64_t sequence, Time arrival,
        const Limits& limits);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group();

  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  /// When its first byte arrived here.
  [[nodiscard]] Time arrival() const { return arrival_; }
  /// Units per second of its timestamps: its track's.
  [[nodiscard]] std::uint64_t timescale() const { return timescale_; }
  void set_timescale(std::uint64_t timescale) { timescale_ = timescale; }
  /// The timestamp of its first object (the lowest id); none while it has none.
  [[nodiscard]] std::optional<std::uint64_t> first_timestamp() const { return first_timestamp_; }
  /// The object with the largest id that has begun; none while there is none.
  [[nodiscard]] std::optional<Location> largest() const;
  /// Payload and properties that have arrived.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  /// Subgroup `id`, or null.
  [[nodiscard]] Subgroup* find(std::uint64_t id) const;
  /// All subgroups, in the order of their making.
  [[nodiscard]] const boost::container::small_vector_base<std::unique_ptr<Subgroup>>& subgroups()
      const {
    return subgroups_;
  }
  /// Adds subgroup `id`. Fails with `exists` if there is one, `too_many`, or `closed`.
  Result<Subgroup*> add(std::uint64_t id, const SubgroupInfo& info = {});
  /// For flatten: an empty one of the same sequence, time and cache, whose payload is
  /// counted here; and what it has made of this.
  [[nodiscard]] std::shared_ptr<Group> make_flat() const;
  [[nodiscard]] std::shared_ptr<Group> flat() const { return flat_.lock(); }
  void set_flat(const std::weak_ptr<Group>& flat) { flat_ = flat; }
  /// moq-lite's one subgroup; made if need be, closed if the group is.
  Subgroup& only();
  /// The reader hears of all subgroups that come from now on.
  void attach(GroupReader& reader);

  /// Whether nothing more will come: `finish` or `abort` was called.
  [[nodiscard]] bool closed() const { return closed_; }
  /// Closed, and neither it nor a subgroup was aborted.
  [[nodiscard]] bool complete() const;
  /// Whether `abort` was called (or the cache did).
  [[nodiscard]] bool aborted() const { return aborted_; }
  /// Nothing more will come: subgroups that are still open are finished.
  void finish();
  /// Given up with stream code `code`: subgroups that are still open are aborted.
  void abort(std::uint64_t code);

 private:
  friend class Subgroup;
  friend class Cache;
  friend struct CacheState;
  friend class Track;
  using Hook = boost::intrusive::list_member_hook<
      boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using Readers = boost::intrusive::list<GroupReader, boost::intrusive::constant_time_size<false>>;

  void saw_object(const ObjectHeader& header);
  /// What `size` bytes of payload or properties cost here.
  [[nodiscard]] std::uint64_t cost(std::uint64_t size) const {
    return limits_.counted_elsewhere ? 0 : size;
  }
  void charge(std::uint64_t bytes);
  /// The latest group of a track is never evicted.
  void set_latest(bool latest);
  /// Aborts whatever its state.
  void evict(std::uint64_t code);
  void notify();

  std::shared_ptr<CacheState> cache_;
  GroupOwner* owner_ = nullptr;
  std::uint64_t sequence_;
  Time arrival_;
  Limits limits_;
  std::uint64_t bytes_ = 0;
  std::uint64_t charged_ = 0;
  std::size_t objects_ = 0;
  std::uint64_t timescale_ = TrackInfo{}.timescale;
  std::uint64_t first_id_ = 0;
  std::optional<std::uint64_t> first_timestamp_;
  std::uint64_t abort_code_ = 0;
  bool closed_ = false;
  bool aborted_ = false;
  bool evicted_ = false;
  boost::container::small_vector<std::unique_ptr<Subgroup>, 1> subgroups_;
  Readers readers_;
  std::weak_ptr<Group> flat_;
  Hook cache_hook_;  ///< in the cache's list, unless it is a track's latest
  Hook age_hook_;    ///< in its track's list by arrival, unless it is the latest
};

}  // namespace moq
