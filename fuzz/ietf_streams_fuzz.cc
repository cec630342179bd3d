// Any bytes as a unidirectional stream, as the objects of a subgroup or a fetch, as a
// datagram or as properties, of any draft: however a stream is cut, the same comes out,
// and then the same error; and what was read, can be written and read again.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "net/ietf/datagram.h"
#include "net/ietf/fetch_object.h"
#include "net/ietf/properties.h"
#include "net/ietf/stream.h"
#include "net/ietf/subgroup.h"

namespace {

using moq::Bytes;
using moq::ByteSpan;
using moq::Error;
using moq::Result;
using moq::fuzz::require;
using moq::ietf::GroupOrder;
using moq::ietf::VersionInfo;

constexpr std::uint64_t kMaxSize = 300;

// Feeds `bytes` to `reader` in steps.
template <typename Reader>
std::optional<Error> feed(Reader& reader, ByteSpan bytes, std::size_t step) {
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto part = bytes.subspan(at, std::min(step, bytes.size() - at));
    if (const auto fed = reader.feed(Bytes::copy_of(part)); !fed) return fed.error();
  }
  const auto finished = reader.finish();
  if (!finished) return finished.error();
  return std::nullopt;
}

struct Subgroup final : moq::ietf::SubgroupSink {
  std::vector<moq::ietf::StreamObject> objects;
  std::string payload;

  Result<void> on_object(const moq::ietf::StreamObject& object) override {
    require(object.size <= kMaxSize, "no object is beyond the limit");
    objects.push_back(object);
    return {};
  }
  Result<void> on_payload(Bytes chunk) override {
    require(!chunk.empty(), "no part is empty");
    payload += chunk.text();
    return {};
  }
};

std::optional<Error> read_subgroup(const VersionInfo& version, bool properties, ByteSpan bytes,
                                   std::size_t step, Subgroup& out) {
  moq::ietf::SubgroupReader reader(version.version, properties, out, kMaxSize);
  return feed(reader, bytes, step);
}

void check_subgroup(const VersionInfo& version, bool properties, ByteSpan bytes, std::size_t step) {
  Subgroup whole;
  Subgroup cut;
  const auto error = read_subgroup(version, properties, bytes, bytes.size() + 1, whole);
  require(error == read_subgroup(version, properties, bytes, step, cut), "the same error");
  require(whole.objects == cut.objects && whole.payload == cut.payload, "the same objects");
  if (error) return;
  std::vector<std::uint8_t> image;
  std::optional<std::uint64_t> previous;
  std::size_t at = 0;
  for (const auto& object : whole.objects) {
    const auto encoded = moq::ietf::encode_object(
        version, object, previous,
        properties ? std::optional<std::uint64_t>(object.properties.size()) : std::nullopt);
    require(encoded.has_value(), "what was read can be written");
    const auto split = encoded->bytes.begin() + static_cast<std::ptrdiff_t>(encoded->split);
    const ByteSpan list = object.properties;
    image.insert(image.end(), encoded->bytes.begin(), split);
    image.insert(image.end(), list.begin(), list.end());
    image.insert(image.end(), split, encoded->bytes.end());
    const auto payload = whole.payload.substr(at, static_cast<std::size_t>(object.size));
    image.insert(image.end(), payload.begin(), payload.end());
    at += payload.size();
    previous = object.id;
  }
  Subgroup again;
  require(!read_subgroup(version, properties, image, image.size() + 1, again), "and read again");
  require(again.objects == whole.objects && again.payload == whole.payload, "as the same");
}

struct Fetch final : moq::ietf::FetchSink {
  struct Item {
    moq::ietf::FetchObject object;
    std::string payload;
    std::optional<moq::ietf::EndOfRange> range;
    friend bool operator==(const Item&, const Item&) = default;
  };
  std::vector<Item> items;

  Result<void> on_object(const moq::ietf::FetchObject& object) override {
    require(object.size <= kMaxSize, "no object is beyond the limit");
    items.push_back({object, "", std::nullopt});
    return {};
  }
  Result<void> on_payload(Bytes chunk) override {
    require(!chunk.empty(), "no part is empty");
    items.back().payload += chunk.text();
    return {};
  }
  Result<void> on_end_of_range(const moq::ietf::EndOfRange& range) override {
    items.push_back({{}, "", range});
    return {};
  }
};

std::optional<Error> read_fetch(const VersionInfo& version, GroupOrder order, ByteSpan bytes,
                                std::size_t step, Fetch& out) {
  moq::ietf::FetchReader reader(version.version, order, out, kMaxSize);
  return feed(reader, bytes, step);
}

void check_fetch(const VersionInfo& version, GroupOrder order, ByteSpan bytes, std::size_t step) {
  Fetch whole;
  Fetch cut;
  const auto error = read_fetch(version, order, bytes, bytes.size() + 1, whole);
  require(error == read_fetch(version, order, bytes, step, cut), "the same error");
  require(whole.items == cut.items, "the same objects");
  if (error) return;
  std::vector<std::uint8_t> image;
  moq::ietf::FetchWriter writer(version.version, order);
  for (const Fetch::Item& item : whole.items) {
    const auto written =
        item.range ? writer.end_of_range(image, *item.range) : writer.object(image, item.object);
    require(written.has_value(), "what was read can be written");
    image.insert(image.end(), item.payload.begin(), item.payload.end());
  }
  Fetch again;
  require(!read_fetch(version, order, image, image.size() + 1, again), "and read again");
  require(again.items == whole.items, "as the same");
}

struct Start {
  std::optional<Error> error;
  std::optional<moq::ietf::StreamStart> start;
  std::size_t used = 0;
};

Start read_start(const VersionInfo& version, ByteSpan bytes, std::size_t step) {
  Start out;
  moq::ietf::StreamStartReader reader(version.version);
  std::size_t at = 0;
  do {
    const auto part = bytes.subspan(at, std::min(step, bytes.size() - at));
    at += part.size();
    const auto start = reader.feed(Bytes::copy_of(part), at == bytes.size());
    if (!start) out.error = start.error();
    if (start) out.start = *start;
    if (out.start) out.used = at - reader.take_rest().size();
  } while (!out.error && !out.start && at < bytes.size());
  return out;
}

void check_start(const VersionInfo& version, ByteSpan bytes, std::size_t step) {
  const Start whole = read_start(version, bytes, bytes.size() + 1);
  const Start cut = read_start(version, bytes, step);
  require(whole.error == cut.error && whole.used == cut.used, "the same beginning");
  require(whole.start.has_value() == cut.start.has_value(), "in both");
  if (!whole.start) return;
  require(whole.start->subgroup == cut.start->subgroup && whole.start->fetch == cut.start->fetch,
          "with the same header");
  if (whole.start->kind != moq::ietf::StreamKind::subgroup) return;
  const auto encoded = moq::ietf::encode(version.version, whole.start->subgroup);
  require(encoded && read_start(version, *encoded, 1).start->subgroup == whole.start->subgroup,
          "which can be written and read again");
}

void check_datagram(const VersionInfo& version, ByteSpan bytes) {
  const auto datagram = moq::ietf::decode_datagram(version.version, Bytes::copy_of(bytes));
  if (!datagram || !*datagram) return;
  const auto encoded = moq::ietf::encode(version.version, **datagram);
  require(encoded.has_value(), "what was read can be written");
  const auto again = moq::ietf::decode_datagram(version.version, Bytes::copy_of(*encoded));
  require(again && *again == *datagram, "and read again");
}

void check_properties(const VersionInfo& version, ByteSpan bytes) {
  const Bytes list = Bytes::copy_of(bytes);
  (void)moq::ietf::read_track_properties(version.properties, list);
  (void)moq::ietf::read_object_properties(version, {.group = 9, .object = 9}, list);
  for (const VersionInfo& other : moq::ietf::versions()) {
    const auto there = moq::ietf::convert_properties(version.properties, other.properties, list);
    if (!there) continue;
    if (other.properties == version.properties) {
      require(*there == list, "the same form has the same bytes");
      continue;
    }
    const auto back = moq::ietf::convert_properties(other.properties, version.properties, *there);
    require(back.has_value(), "what was converted is a list");
    require(moq::ietf::convert_properties(version.properties, other.properties, *back) == there,
            "of the same properties");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  moq::fuzz::Input input(data, size);
  const VersionInfo& version = moq::ietf::versions()[input.choose(moq::ietf::versions().size())];
  const std::size_t what = input.choose(8);
  const std::size_t step = 1 + input.choose(64);
  switch (what) {
    case 0:
    case 1:
      check_subgroup(version, what == 1, input.rest(), step);
      break;
    case 2:
      check_fetch(version, GroupOrder::ascending, input.rest(), step);
      break;
    case 3:
      check_fetch(version, GroupOrder::descending, input.rest(), step);
      break;
    case 4:
      check_start(version, input.rest(), step);
      break;
    case 5:
      check_datagram(version, input.rest());
      break;
    default:
      check_properties(version, input.rest());
      break;
  }
  return 0;
}
