#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/base/loop.h"
#include "net/model/origin.h"
#include "net/model/subscription.h"
#include "net/model/track.h"
#include "relay/http.h"

namespace moq::relay {

/// One group of a track, as HTTP asks for it.
struct GroupWanted {
  Path broadcast;
  std::string track;
  std::optional<std::uint64_t> group;  ///< none: the latest
};

/// Finds one group: waits for its broadcast, and for the group, from the cache or from
/// upstream. Destroying it ends the interest in it; a group that upstream has been asked for by
/// its number comes all the same. Belongs to the origin's thread; the origin must
/// outlive it.
class GroupFetch final : private AnnounceReader, private TrackReader {
 public:
  /// Called once, from the loop. Fails with a ModelError (`not_found`: there is no such
  /// track or group), or what upstream says. The latest group goes on coming only as long
  /// as the fetch is there.
  using Done = std::function<void(Result<std::shared_ptr<Group>> group)>;

  GroupFetch(Origin& origin, GroupWanted wanted, Done done);
  GroupFetch(const GroupFetch&) = delete;
  GroupFetch& operator=(const GroupFetch&) = delete;
  ~GroupFetch();

 private:
  void on_announcements(const std::vector<Announcement>& changes) override;
  void look(Origin& origin);
  void open(Broadcast& broadcast);

  void on_info(const TrackInfo& /*info*/) override {}
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram& /*datagram*/) override {}
  void on_drop(std::uint64_t /*first*/, std::uint64_t /*last*/, std::uint64_t /*code*/) override {}
  void on_end(std::uint64_t end) override;
  void on_abort(const Error& error) override;
  void finish(Result<std::shared_ptr<Group>> result);

  Loop& loop_;
  GroupWanted wanted_;
  Done done_;
  std::shared_ptr<Track> track_;
  std::unique_ptr<Origin::Watch> watch_;
  std::unique_ptr<Subscription> subscription_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

/// The payloads of a group's objects, one after the other, as they arrive. A group that is
/// given up, or is not there in full at `deadline`, breaks off. Keeps `fetch`, which found it.
std::unique_ptr<HttpBody> make_group_body(Loop& loop, std::shared_ptr<Group> group,
                                          std::shared_ptr<GroupFetch> fetch, Time deadline);

}  // namespace moq::relay
