#include "media/catalog_reader.h"

#include "media/error.h"

namespace moq::media {
namespace {

/// A catalog is of no use when it is old, but the newest must not be skipped
/// because it takes a moment.
constexpr Duration kCatalogLatency = std::chrono::seconds(1);

SubscribeOptions catalog_options() {
  SubscribeOptions options;
  options.priority = kCatalogPriority;
  options.max_latency = kCatalogLatency;
  return options;
}

}  // namespace

Result<std::unique_ptr<CatalogReader>> CatalogReader::create(Broadcast& broadcast,
                                                             const Catalog::Limits& limits,
                                                             Changed changed, Ended ended) {
  MOQ_TRY(const auto track, broadcast.track(std::string(kCatalogTrack)));
  return std::unique_ptr<CatalogReader>(
      new CatalogReader(track, limits, std::move(changed), std::move(ended)));
}

CatalogReader::CatalogReader(const std::shared_ptr<Track>& track, const Catalog::Limits& limits,
                             Changed changed, Ended ended)
    : limits_(limits),
      changed_(std::move(changed)),
      ended_(std::move(ended)),
      follower_(track, catalog_options(), *this, TrackFollower::Limits()) {}

Result<Catalog> CatalogReader::read(const Object& object, bool first) {
  if (object.size > limits_.max_bytes) {
    document_ = nullptr;
    return fail(MediaError::bad_catalog, "catalog: is too large");
  }
  const Bytes text = object.flatten();
  auto json = parse_json(text.text(), limits_);
  if (!json) {
    document_ = nullptr;
    return fail(std::move(json).error());
  }
  if (first) {
    document_ = *std::move(json);
  } else if (document_.is_object()) {
    document_.merge_patch(*json);
    // Patches may grow a document bit by bit.
    if (document_.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).size() >
        limits_.max_bytes) {
      document_ = nullptr;
      return fail(MediaError::bad_catalog, "catalog: has grown too large");
    }
  } else {
    return fail(MediaError::bad_catalog, "catalog: a change to a document that is not there");
  }
  return Catalog::from_json(document_, limits_);
}

void CatalogReader::on_object(std::uint64_t, bool first, bool, const Object& object) {
  // A copy, as the call may destroy this.
  const Changed changed = changed_;
  changed(read(object, first));
}

void CatalogReader::on_end(const std::optional<Error>& error) {
  const Ended ended = ended_;
  ended(error);
}

}  // namespace moq::media
