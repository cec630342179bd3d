#include "moq-bench/payload.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace moq::bench {

namespace {

constexpr std::uint32_t kMagic = 0x6d714231;  // "mqB1"
/// Bodies begin at one of this many places.
constexpr std::size_t kOffsets = 4096;
constexpr std::size_t kChecksumAt = FrameStamp::kSize - 4;

template <typename T>
void put(std::uint8_t*& to, T value) {
  for (std::size_t i = sizeof(T); i-- > 0; ++to) *to = static_cast<std::uint8_t>(value >> (8 * i));
}

template <typename T>
T take(const std::uint8_t*& from) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | *from++);
  return value;
}

std::uint32_t fold(std::uint64_t hash) { return static_cast<std::uint32_t>(hash ^ (hash >> 32)); }

using Header = std::array<std::uint8_t, FrameStamp::kSize>;

std::uint32_t checksum(const Header& header) {
  return fold(hash_of(as_text(ByteSpan(header).first(kChecksumAt))));
}

Header encode(const FrameStamp& stamp) {
  Header header{};
  std::uint8_t* at = header.data();
  put(at, kMagic);
  put(at, stamp.source);
  put(at, stamp.group);
  put(at, stamp.frame);
  put(at, stamp.group_frames);
  put(at, stamp.size);
  put(at, stamp.clock);
  put(at, static_cast<std::uint64_t>(stamp.due.time_since_epoch().count()));
  at = header.data() + kChecksumAt;
  put(at, checksum(header));
  return header;
}

std::optional<FrameStamp> decode(const Header& header) {
  const std::uint8_t* at = header.data() + kChecksumAt;
  if (take<std::uint32_t>(at) != checksum(header)) return std::nullopt;
  at = header.data();
  if (take<std::uint32_t>(at) != kMagic) return std::nullopt;
  FrameStamp stamp;
  stamp.source = take<std::uint64_t>(at);
  stamp.group = take<std::uint64_t>(at);
  stamp.frame = take<std::uint32_t>(at);
  stamp.group_frames = take<std::uint32_t>(at);
  stamp.size = take<std::uint32_t>(at);
  stamp.clock = take<std::uint64_t>(at);
  stamp.due = Time(Duration(static_cast<Duration::rep>(take<std::uint64_t>(at))));
  return stamp;
}

}  // namespace

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::uint64_t this_clock() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  // Without one, only this process's times can be compared.
  return id.empty() ? std::random_device{}() : hash_of(id);
}

Pattern::Pattern(std::size_t max_size) {
  std::vector<std::uint8_t> pattern(max_size + kOffsets);
  std::minstd_rand random(1);
  for (std::uint8_t& byte : pattern) byte = static_cast<std::uint8_t>(random() >> 8);
  bytes_ = Bytes::copy_of(ByteSpan(pattern));
}

std::size_t Pattern::offset(const FrameStamp& stamp) const {
  const std::uint64_t mix = stamp.source + stamp.group * 0x9e3779b97f4a7c15 + stamp.frame * 1031;
  return fold(mix) % kOffsets;
}

Result<void> Pattern::append(Subgroup& subgroup, FrameStamp stamp, std::uint64_t timestamp) const {
  stamp.size = std::max<std::uint32_t>(stamp.size, FrameStamp::kSize);
  const Header header = encode(stamp);
  MOQ_CHECK_OK(
      subgroup.append_object({.id = stamp.frame, .timestamp = timestamp, .size = stamp.size}));
  MOQ_CHECK_OK(subgroup.append_payload(Bytes::copy_of(ByteSpan(header))));
  if (stamp.size == FrameStamp::kSize) return {};
  return subgroup.append_payload(bytes_.slice(offset(stamp), stamp.size - FrameStamp::kSize));
}

std::optional<FrameStamp> Pattern::check(const Object& object) const {
  Header header{};
  std::size_t have = 0;
  std::optional<FrameStamp> stamp;
  std::size_t at = 0;  // in the pattern
  for (const Bytes& chunk : object.payload) {
    ByteSpan rest = chunk.span();
    if (!stamp) {
      const std::size_t size = std::min(rest.size(), header.size() - have);
      std::memcpy(header.data() + have, rest.data(), size);
      have += size;
      rest = rest.subspan(size);
      if (have < header.size()) continue;
      stamp = decode(header);
      if (!stamp || stamp->size != object.size || stamp->frame != object.id) return std::nullopt;
      at = offset(*stamp);
    }
    if (rest.empty()) continue;
    const ByteSpan expected = bytes_.span();
    if (rest.size() > expected.size() - at) return std::nullopt;
    if (std::memcmp(rest.data(), expected.data() + at, rest.size()) != 0) return std::nullopt;
    at += rest.size();
  }
  return object.complete() ? stamp : std::nullopt;
}

}  // namespace moq::bench
