#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "media/catalog.h"
#include "media/track_follower.h"
#include "net/model/broadcast.h"

namespace moq::media {

/// Follows a broadcast's catalog track. A group holds the whole document, and
/// may go on with merge patches to it (RFC 7396).
class CatalogReader final : private TrackFollower::Sink {
 public:
  /// A new catalog, or why one could not be read (the next may again).
  using Changed = std::function<void(Result<Catalog>)>;
  /// The track is over.
  using Ended = std::function<void(const std::optional<Error>&)>;

  /// Fails as Broadcast::track does. The calls come from the loop, and may
  /// destroy the reader.
  static Result<std::unique_ptr<CatalogReader>> create(Broadcast& broadcast,
                                                       const Catalog::Limits& limits,
                                                       Changed changed, Ended ended);

 private:
  CatalogReader(const std::shared_ptr<Track>& track, const Catalog::Limits& limits, Changed changed,
                Ended ended);
  void on_object(std::uint64_t group, bool first, bool gap, const Object& object) override;
  void on_end(const std::optional<Error>& error) override;
  Result<Catalog> read(const Object& object, bool first);

  Catalog::Limits limits_;
  Changed changed_;
  Ended ended_;
  nlohmann::json document_;
  TrackFollower follower_;
};

}  // namespace moq::media
