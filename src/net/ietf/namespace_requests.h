#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "net/ietf/remote_broadcast.h"
#include "net/ietf/request.h"
#include "net/ietf/tracks_publisher.h"
#include "net/model/origin.h"

namespace moq::ietf {

/// SUBSCRIBE_NAMESPACE, from our side: asks for what the peer has below a prefix.
class NamespaceRequest final : public Request {
 public:
  NamespaceRequest(Session& session, const Path& prefix);
  ~NamespaceRequest() override;

  /// Namespaces that the peer has told of and not ended.
  [[nodiscard]] std::size_t active() const { return active_.size(); }
  void set_draining();

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  Result<void> received(MessageKind kind, ByteSpan body) override;
  void on_fin() override { withdraw_all(); }
  void gone(StreamError code) override;
  void withdraw(const TrackNamespace& suffix);
  void withdraw_all();

  Path prefix_;
  std::map<TrackNamespace, std::shared_ptr<RemoteBroadcast>> active_;
  bool warned_ = false;
};

/// PUBLISH_NAMESPACE, from our side.
class NamespaceAnnouncement final : public Request {
 public:
  NamespaceAnnouncement(Session& session, TrackNamespace name);
  /// It is there no longer.
  void withdraw();
  [[nodiscard]] const TrackNamespace& name() const { return name_; }

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  Result<void> received(MessageKind kind, ByteSpan body) override;
  void on_fin() override {}
  void gone(StreamError /*code*/) override {}

  TrackNamespace name_;
};

/// Tells the peer of what is below a prefix by a PUBLISH_NAMESPACE each.
class Announcer final : public Task, private AnnounceReader {
 public:
  /// `prefix`: in the peer's terms. `except`: whose it is not told of; null: of all.
  Announcer(Session& session, const Path& prefix, PeerToken except);
  ~Announcer() override;
  void start();

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  void on_announcements(const std::vector<Announcement>& changes) override;

  Path prefix_;
  PeerToken except_;
  std::unique_ptr<Origin::Watch> watch_;
  /// The id of each request, by its path; it may have ended meanwhile.
  std::map<Path, std::uint64_t> told_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

/// PUBLISH_NAMESPACE of the peer's.
class NamespaceReceiver final : public Request {
 public:
  using First = PublishNamespace;
  NamespaceReceiver(Session& session, Arrival arrival, PublishNamespace message);
  ~NamespaceReceiver() override;
  void begin();

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  Result<void> received(MessageKind kind, ByteSpan body) override;
  void on_fin() override;
  void gone(StreamError code) override;

  TrackNamespace name_;
  std::shared_ptr<RemoteBroadcast> broadcast_;
};

/// SUBSCRIBE_NAMESPACE of the peer's.
class NamespacePublisher final : public Request, private AnnounceReader {
 public:
  using First = SubscribeNamespace;
  NamespacePublisher(Session& session, Arrival arrival, SubscribeNamespace message);
  ~NamespacePublisher() override;
  void begin();
  [[nodiscard]] const TrackNamespace& prefix() const { return prefix_; }

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  Result<void> received(MessageKind kind, ByteSpan body) override;
  void on_fin() override;
  void gone(StreamError code) override;
  void on_announcements(const std::vector<Announcement>& changes) override;
  Result<void> received_update(ByteSpan body);
  void start();
  void stop();

  TrackNamespace prefix_;
  Path path_;  ///< in the origin's terms
  std::unique_ptr<Origin::Watch> watch_;
  std::set<Path> told_;
  /// Where there is no NAMESPACE, nor SUBSCRIBE_TRACKS.
  std::unique_ptr<Announcer> announcer_;
  std::unique_ptr<TrackAnnouncer> tracks_;
};

}  // namespace moq::ietf
