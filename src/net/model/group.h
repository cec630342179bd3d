#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/base/time.h"

namespace moq {

class Cache;
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
  ObjectStatus status = ObjectStatus::normal;
  /// Encoded properties as received, forwarded byte for byte; empty in moq-lite.
  Bytes properties;
};

/// One object (a moq-lite frame): its header, and its payload as far as it has
/// arrived, in chunks that never change and never move.
struct Object : ObjectHeader {
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
  /// change the group or its readers.
  virtual void on_progress() = 0;

 protected:
  ~SubgroupReader() = default;
};

/// Headers of a subgroup's objects as one wire form encodes them, encoded once
/// for all readers. Entries never move. A wire form is a number that a protocol
/// family picks; the model gives it no meaning.
class EncodedHeaders {
 public:
  static constexpr std::size_t kMaxHeader = 40;
  /// Encodes `object`'s header behind `previous` (null for the first) into
  /// `out`, and returns its length.
  using Encoder = std::size_t (*)(const Object& object, const Object* previous,
                                  std::span<std::uint8_t, kMaxHeader> out);

  /// The header of object number `index` (not id), encoding up to it if need be.
  ByteSpan at(const Subgroup& subgroup, std::size_t index, Encoder encoder);

 private:
  struct Entry {
    std::uint8_t size;
    std::uint8_t bytes[kMaxHeader];
  };
  std::deque<Entry> entries_;
};

/// An append-only list of objects that are delivered in order on one stream.
/// moq-lite groups have exactly one, with id 0.
class Subgroup {
 public:
  enum class State : std::uint8_t { open, finished, aborted };

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] Group& group() const { return group_; }
  [[nodiscard]] State state() const { return state_; }
  /// The stream code that an aborted subgroup was given up with.
  [[nodiscard]] std::uint64_t abort_code() const { return abort_code_; }
  /// References stay valid as long as the group.
  [[nodiscard]] const std::deque<Object>& objects() const { return objects_; }

  /// Begins the next object. Fails if the subgroup is not open, the object
  /// before it is incomplete, ids do not increase, or a limit is passed.
  Result<void> append_object(ObjectHeader header);
  /// Appends to the last object's payload. Fails beyond its declared size.
  Result<void> append_payload(Bytes chunk);
  /// A whole object at once.
  Result<void> append(ObjectHeader header, Bytes payload);
  /// No further objects. An incomplete last object makes it an abort.
  void finish();
  void abort(std::uint64_t code);

  /// The reader hears of all that comes from now on.
  void attach(SubgroupReader& reader) { readers_.push_back(reader); }

  /// The encoded headers of wire form `form` (a small number).
  EncodedHeaders& headers(std::size_t form) const;

 private:
  friend class Group;
  Subgroup(Group& group, std::uint64_t id) : group_(group), id_(id) {}
  void notify();

  using Readers =
      boost::intrusive::list<SubgroupReader, boost::intrusive::constant_time_size<false>>;

  Group& group_;
  std::uint64_t id_;
  State state_ = State::open;
  std::uint64_t abort_code_ = 0;
  std::deque<Object> objects_;
  Readers readers_;
  mutable boost::container::small_vector<std::unique_ptr<EncodedHeaders>, 2> headers_;
};

/// A group: objects that can be decoded without any other group. Shared by the
/// track's cache and by every reader; what it holds is freed with the last.
///
/// Bytes are charged to the cache until then: payload, and kOverhead for the
/// group itself.
class Group : public std::enable_shared_from_this<Group> {
 public:
  static constexpr std::uint64_t kOverhead = 256;

  struct Limits {
    std::uint64_t max_bytes = 32U << 20;  ///< payload of a group, and of an object
    std::size_t max_objects = 65536;
    std::size_t max_subgroups = 64;
  };

  Group(Cache& cache, std::uint64_t sequence, Time arrival, const Limits& limits);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group();

  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  /// When its first byte arrived here.
  [[nodiscard]] Time arrival() const { return arrival_; }
  /// The timestamp of its first object; none while it has none.
  [[nodiscard]] std::optional<std::uint64_t> first_timestamp() const;
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  /// Subgroup `id`, or null.
  [[nodiscard]] Subgroup* find(std::uint64_t id) const;
  /// Adds subgroup `id`; fails if there is one, or there are too many.
  Result<Subgroup*> add(std::uint64_t id);
  /// moq-lite's one subgroup; made if need be.
  Subgroup& only();

  /// Whether nothing more will come: every subgroup is finished or aborted, and
  /// `finish` or `abort` was called.
  [[nodiscard]] bool closed() const { return closed_; }
  /// Closed, and no subgroup was aborted.
  [[nodiscard]] bool complete() const;
  void finish();
  void abort(std::uint64_t code);

 private:
  friend class Subgroup;
  friend class Cache;
  void charge(std::uint64_t bytes);

  Cache& cache_;
  std::uint64_t sequence_;
  Time arrival_;
  Limits limits_;
  std::uint64_t bytes_ = 0;
  bool closed_ = false;
  boost::container::small_vector<std::unique_ptr<Subgroup>, 1> subgroups_;

 public:
  /// Where the cache finds the oldest group.
  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>
      cache_hook;
  /// Set by the track: the latest group is never evicted.
  bool is_latest = false;
};

}  // namespace moq
