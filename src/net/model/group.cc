#include "net/model/group.h"

#include <algorithm>
#include <cstring>

#include "net/model/cache.h"
#include "net/model/error.h"

namespace moq {

namespace {
// What the standard library's deque takes for its first elements.
constexpr std::size_t kDeque = 64 + 512;
}  // namespace

static_assert(sizeof(Group) + sizeof(Subgroup) + sizeof(EncodedHeaders) + 2 * kDeque <=
                  Group::kOverhead,
              "a group must not take more than what is charged for it");
static_assert(sizeof(Object) + EncodedHeaders::kMaxHeader + 1 <= Group::kObjectOverhead,
              "an object must not take more than what is charged for it");

Bytes Object::flatten() const {
  if (payload.empty()) return {};
  if (payload.size() == 1) return payload.front();
  std::vector<std::uint8_t> all;
  all.reserve(received);
  for (const Bytes& chunk : payload) {
    all.insert(all.end(), chunk.data(), chunk.data() + chunk.size());
  }
  return Bytes::copy_of(all);
}

ByteSpan EncodedHeaders::at(const Subgroup& subgroup, std::size_t index, Encoder encoder) {
  const auto& objects = subgroup.objects();
  while (entries_.size() <= index) {
    const std::size_t i = entries_.size();
    Entry& entry = entries_.emplace_back();
    Place place{.previous = i == 0 ? nullptr : &objects[i - 1],
                .timescale = subgroup.group().timescale()};
    entry.size = static_cast<std::uint8_t>(
        encoder(objects[i], place, std::span<std::uint8_t, kMaxHeader>(entry.bytes)));
    if (place.properties) properties_.emplace(i, *std::move(place.properties));
  }
  const Entry& entry = entries_[index];
  return {entry.bytes, entry.size};
}

std::optional<ByteSpan> EncodedHeaders::properties(std::size_t index) const {
  const auto found = properties_.find(index);
  if (found == properties_.end()) return std::nullopt;
  return found->second.span();
}

Result<void> Subgroup::check_object(const ObjectHeader& header) const {
  if (state_ != State::open) return fail(ModelError::closed, "subgroup");
  if (!objects_.empty()) {
    if (!objects_.back().complete()) return fail(ModelError::incomplete, "previous object");
    if (header.id <= objects_.back().id) return fail(ModelError::out_of_order, "object id");
  }
  if (group_.objects_ >= group_.limits_.max_objects) {
    return fail(ModelError::too_many, "objects in a group");
  }
  const std::uint64_t left = group_.limits_.max_bytes - group_.bytes_;
  if (header.properties.size() > left || header.size > left - header.properties.size()) {
    return fail(ModelError::too_large, "declared object size");
  }
  return {};
}

Result<void> Subgroup::check_payload(std::uint64_t size) const {
  if (state_ != State::open) return fail(ModelError::closed, "subgroup");
  if (objects_.empty() || size > objects_.back().size - objects_.back().received) {
    return fail(ModelError::too_large, "payload beyond its declared size");
  }
  // Several subgroups may each have declared what is left of the group.
  if (size > group_.limits_.max_bytes - group_.bytes_) {
    return fail(ModelError::too_large, "group");
  }
  return {};
}

std::uint64_t Subgroup::add_object(ObjectHeader header) {
  Object& object = objects_.emplace_back();
  static_cast<ObjectHeader&>(object) = std::move(header);
  group_.bytes_ += object.properties.size();
  group_.saw_object(object);
  return group_.cost(object.properties.size()) + Group::kObjectOverhead;
}

std::uint64_t Subgroup::add_payload(Bytes chunk) {
  if (chunk.empty()) return 0;
  Object& object = objects_.back();
  const std::size_t size = chunk.size();
  object.received += size;
  group_.bytes_ += size;
  const std::uint64_t cost = group_.cost(size);
  if (!object.payload.empty() && object.payload.back().join(chunk)) return cost;
  object.payload.push_back(std::move(chunk));
  return object.payload.size() == 1 ? cost : cost + Group::kChunkOverhead;
}

// In all three, the charge comes last: it may evict this very group.

Result<void> Subgroup::append_object(ObjectHeader header) {
  MOQ_CHECK_OK(check_object(header));
  const std::uint64_t cost = add_object(std::move(header));
  notify();
  group_.charge(cost);
  return {};
}

Result<void> Subgroup::append_payload(Bytes chunk) {
  MOQ_CHECK_OK(check_payload(chunk.size()));
  if (chunk.empty()) return {};
  const std::uint64_t cost = add_payload(std::move(chunk));
  notify();
  group_.charge(cost);
  return {};
}

Result<void> Subgroup::append(ObjectHeader header, Bytes payload) {
  header.size = payload.size();
  MOQ_CHECK_OK(check_object(header));
  const std::uint64_t cost = add_object(std::move(header)) + add_payload(std::move(payload));
  notify();
  group_.charge(cost);
  return {};
}

void Subgroup::finish() {
  if (state_ != State::open) return;
  if (!objects_.empty() && !objects_.back().complete()) {
    abort(Group::kCancelledCode);
    return;
  }
  state_ = State::finished;
  notify();
}

void Subgroup::abort(std::uint64_t code) {
  if (state_ == State::open) set_aborted(code);
}

void Subgroup::set_aborted(std::uint64_t code) {
  state_ = State::aborted;
  abort_code_ = code;
  notify();
}

void Subgroup::attach(SubgroupReader& reader) {
  if (reader.is_linked()) reader.unlink();
  readers_.push_back(reader);
}

EncodedHeaders& Subgroup::headers(std::size_t form) const {
  form = std::min(form, kMaxForms - 1);
  if (headers_.size() <= form) headers_.resize(form + 1);
  auto& headers = headers_[form];
  if (headers == nullptr) headers = std::make_unique<EncodedHeaders>();
  return *headers;
}

void Subgroup::notify() {
  for (auto it = readers_.begin(); it != readers_.end();) {
    SubgroupReader& reader = *it++;
    reader.on_progress();
  }
}

Group::Group(Cache& cache, std::uint64_t sequence, Time arrival, const Limits& limits)
    : Group(cache.state_, sequence, arrival, limits) {}

Group::Group(std::shared_ptr<CacheState> cache, std::uint64_t sequence, Time arrival,
             const Limits& limits)
    : cache_(std::move(cache)), sequence_(sequence), arrival_(arrival), limits_(limits) {
  // Charged before it is listed: the cache must not evict what has no owner yet.
  charge(kOverhead);
  cache_->groups.push_back(*this);
}

Group::~Group() {
  // Before anything else: a group that is going must not be found.
  if (cache_hook_.is_linked()) cache_hook_.unlink();
  cache_->release(charged_, evicted_);
}

std::shared_ptr<Group> Group::make_flat() const {
  Limits limits = limits_;
  limits.counted_elsewhere = true;
  auto flat = std::make_shared<Group>(cache_, sequence_, arrival_, limits);
  flat->set_timescale(timescale_);
  return flat;
}

Subgroup* Group::find(std::uint64_t id) const {
  for (const auto& subgroup : subgroups_) {
    if (subgroup->id() == id) return subgroup.get();
  }
  return nullptr;
}

Result<Subgroup*> Group::add(std::uint64_t id, const SubgroupInfo& info) {
  if (closed_) return fail(ModelError::closed, "group");
  if (find(id) != nullptr) return fail(ModelError::exists, "subgroup");
  if (subgroups_.size() >= limits_.max_subgroups) {
    return fail(ModelError::too_many, "subgroups in a group");
  }
  Subgroup* subgroup =
      subgroups_.emplace_back(std::unique_ptr<Subgroup>(new Subgroup(*this, id, info))).get();
  notify();
  return subgroup;
}

Subgroup& Group::only() {
  if (Subgroup* subgroup = find(0); subgroup != nullptr) return *subgroup;
  Subgroup& subgroup =
      *subgroups_.emplace_back(std::unique_ptr<Subgroup>(new Subgroup(*this, 0, {})));
  if (aborted_) {
    subgroup.abort(abort_code_);
  } else if (closed_) {
    subgroup.finish();
  }
  notify();
  return subgroup;
}

void Group::attach(GroupReader& reader) {
  if (reader.is_linked()) reader.unlink();
  readers_.push_back(reader);
}

std::optional<Location> Group::largest() const {
  std::optional<Location> largest;
  for (const auto& subgroup : subgroups_) {
    if (subgroup->objects().empty()) continue;
    const Location last{.group = sequence_, .object = subgroup->objects().back().id};
    largest = std::max(largest.value_or(last), last);
  }
  return largest;
}

bool Group::complete() const {
  return closed_ && !aborted_ && std::ranges::none_of(subgroups_, [](const auto& subgroup) {
           return subgroup->state() == Subgroup::State::aborted;
         });
}

void Group::finish() {
  if (closed_) return;
  closed_ = true;
  for (const auto& subgroup : subgroups_) subgroup->finish();
  notify();
}

void Group::abort(std::uint64_t code) {
  if (closed_) return;
  closed_ = true;
  aborted_ = true;
  abort_code_ = code;
  for (const auto& subgroup : subgroups_) subgroup->abort(code);
  notify();
}

void Group::evict(std::uint64_t code) {
  evicted_ = true;
  closed_ = true;
  aborted_ = true;
  abort_code_ = code;
  for (const auto& subgroup : subgroups_) {
    if (subgroup->state() != Subgroup::State::aborted) subgroup->set_aborted(code);
  }
  notify();
}

void Group::saw_object(const ObjectHeader& header) {
  ++objects_;
  if (first_timestamp_ && header.id >= first_id_) return;
  first_id_ = header.id;
  first_timestamp_ = header.timestamp;
  if (owner_ != nullptr) owner_->on_first_object(*this);
}

void Group::charge(std::uint64_t bytes) {
  charged_ += bytes;
  cache_->charge(bytes);
}

void Group::set_latest(bool latest) {
  if (evicted_ || latest != cache_hook_.is_linked()) return;
  if (latest) {
    cache_hook_.unlink();
  } else {
    cache_->groups.push_back(*this);
  }
}

void Group::notify() {
  for (auto it = readers_.begin(); it != readers_.end();) {
    GroupReader& reader = *it++;
    reader.on_subgroups();
  }
}

}  // namespace moq
