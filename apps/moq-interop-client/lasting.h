#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moq-interop-client/stage.h"
#include "native/client/client.h"
#include "net/model/broadcast.h"
#include "net/model/cache.h"
#include "net/model/origin.h"

/// A publisher and a viewer as applications have them: the library's own client, which
/// decides by itself what a GOAWAY leads to.
namespace moq::interop {

/// A connection, and what has become of it.
class Lasting : private native::ClientHandler {
 public:
  /// `reconnect`: goes where a GOAWAY leads; otherwise it leaves once nothing runs.
  Lasting(Stage& stage, std::string role, bool reconnect);
  Lasting(const Lasting&) = delete;
  Lasting& operator=(const Lasting&) = delete;

  [[nodiscard]] const std::string& role() const { return role_; }
  /// How many sessions there have been.
  [[nodiscard]] int sessions() const { return sessions_; }
  /// Where the relay's GOAWAY leads; none before it.
  [[nodiscard]] const std::optional<native::Url>& goaway() const { return goaway_; }
  /// The session that was left is over.
  [[nodiscard]] bool handed_over() const { return handed_over_; }
  /// How it has ended; none while it has not.
  [[nodiscard]] const std::optional<Error>& ending() const { return end_; }
  /// It has ended, and not in order.
  [[nodiscard]] bool failed() const { return end_ && !end_->is(SessionError::no_error); }

 protected:
  ~Lasting() = default;
  void connect(Origin* publish, Origin* subscribe);

  Stage& stage_;
  Cache cache_;
  Origin origin_;

 private:
  void on_connected(Session& session) override;
  void on_goaway(const native::Url& next) override { goaway_ = next; }
  void on_handed_over() override { handed_over_ = true; }
  void on_closed(const Error& error) override { end_ = error; }

  std::string role_;
  bool reconnect_;
  int sessions_ = 0;
  std::optional<native::Url> goaway_;
  bool handed_over_ = false;
  std::optional<Error> end_;

 protected:
  /// The last member: what it refers to goes after it.
  std::optional<native::Client> client_;
};

class Publisher final : public Lasting {
 public:
  Publisher(Stage& stage, const std::string& path, bool reconnect);

  /// Appends an object to a group, which begins with its first.
  void add(std::uint64_t group, const std::string& payload);
  void end(std::uint64_t group);
  /// No groups follow.
  void finish();

 private:
  std::shared_ptr<Broadcast> broadcast_;
  std::shared_ptr<Track> track_;
  std::map<std::uint64_t, std::shared_ptr<Group>> groups_;
  std::unique_ptr<Origin::Publication> publication_;
};

class Viewer final : public Lasting, private AnnounceReader, private TrackReader {
 public:
  Viewer(Stage& stage, const std::string& path, bool reconnect);

  /// The payloads of a group, as far as they have come.
  [[nodiscard]] std::vector<std::string> objects(std::uint64_t group) const;
  /// It has come whole.
  [[nodiscard]] bool complete(std::uint64_t group) const;
  /// The relay has let it subscribe.
  [[nodiscard]] bool subscribed() const { return subscribed_; }

 private:
  void on_announcements(const std::vector<Announcement>& changes) override;
  void on_info(const TrackInfo& /*info*/) override { subscribed_ = true; }
  void on_group(std::shared_ptr<Group> group) override;
  void on_datagram(const Datagram& /*datagram*/) override {}
  void on_drop(std::uint64_t /*first*/, std::uint64_t /*last*/, std::uint64_t /*code*/) override {}
  void on_end(std::uint64_t /*end*/) override {}
  void on_abort(const Error& /*error*/) override {}

  Path path_;
  std::map<std::uint64_t, std::shared_ptr<Group>> groups_;
  std::unique_ptr<Origin::Watch> watch_;
  std::unique_ptr<Subscription> subscription_;
  bool subscribed_ = false;
};

}  // namespace moq::interop
