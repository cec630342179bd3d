#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moq-interop-client/pipe.h"
#include "net/base/error.h"
#include "net/ietf/message_subscribe.h"
#include "net/ietf/types.h"
#include "net/ietf/version.h"

namespace moq::interop {

/// A track that a session serves: its objects, and who has subscribed. Each group is one
/// subgroup.
class PublishedTrack final {
 public:
  PublishedTrack(transport::Session& session, const ietf::VersionInfo& version,
                 ietf::FullTrackName name);

  [[nodiscard]] const ietf::FullTrackName& name() const { return name_; }
  /// Subscriptions that run.
  [[nodiscard]] std::size_t subscriptions() const { return subscriptions_.size(); }
  /// The largest object; none while there is none.
  [[nodiscard]] std::optional<Location> largest() const;

  /// Adds the next object of a group, and sends it to who wants it.
  void add(std::uint64_t group, std::string payload);
  /// The group has all its objects.
  void end(std::uint64_t group);

  void subscribe(std::uint64_t request, std::uint64_t alias, const ietf::Subscribe& message);
  void forward(std::uint64_t request, bool forward);
  void unsubscribe(std::uint64_t request) { subscriptions_.erase(request); }
  /// The stream that answers a FETCH, whole. None if there are no objects in the range.
  [[nodiscard]] Result<std::optional<std::vector<std::uint8_t>>> fetch(
      std::uint64_t request, const ietf::FetchRange& range) const;
  /// What a range means here: the first object, and the one behind the last.
  [[nodiscard]] std::pair<Location, Location> bounds(const ietf::FetchRange& range) const;

 private:
  struct Group {
    std::vector<std::string> objects;
    bool ended = false;
  };
  struct Sending {
    std::unique_ptr<Pipe> pipe;
    std::optional<std::uint64_t> last;  ///< the object that was sent last
    bool finished = false;
  };
  struct Subscription {
    std::uint64_t alias = 0;
    Location from;
    bool forward = true;
    std::map<std::uint64_t, Sending> groups;
  };

  void send();
  void send(Subscription& to, std::uint64_t number, const Group& group);

  transport::Session& session_;
  const ietf::VersionInfo& version_;
  ietf::FullTrackName name_;
  std::map<std::uint64_t, Group> groups_;
  std::map<std::uint64_t, Subscription> subscriptions_;
};

}  // namespace moq::interop
