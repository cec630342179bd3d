#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/base/loop.h"
#include "net/model/origin.h"
#include "net/session/session.h"
#include "net/transport/testing/memory_transport.h"

/// Publishers, relays and viewers on one loop, connected in memory.
namespace moq::testing {

/// Every version of moq-lite, for parameterised tests.
inline constexpr std::array kVersions{"moq-lite-01", "moq-lite-02", "moq-lite-03", "moq-lite-04",
                                      "moq-lite-05"};
/// And every draft of moq-transport.
inline constexpr std::array kAllVersions{"moq-lite-01",     "moq-lite-02", "moq-lite-03",
                                         "moq-lite-04",     "moq-lite-05", "moq-transport-14",
                                         "moq-transport-18"};
inline const lite::VersionInfo& traits_of(const std::string& version) {
  return *lite::find_by_name(version);
}
/// Those that have something, such as `&lite::VersionInfo::has_goaway`.
inline std::vector<const char*> versions_with(bool lite::VersionInfo::*what) {
  std::vector<const char*> out;
  std::ranges::copy_if(kVersions, std::back_inserter(out),
                       [&](const char* version) { return traits_of(version).*what; });
  return out;
}
/// Whether a version, of either family, has a GOAWAY on the wire.
inline bool has_goaway(const std::string& version) {
  const lite::VersionInfo* info = lite::find_by_name(version);
  return info == nullptr || info->has_goaway;
}
/// Names the cases of a test with a version as its parameter.
inline constexpr auto kVersionName = [](const auto& given) {
  std::string name = given.param;
  std::ranges::replace(name, '-', '_');
  return name;
};

/// Runs `loop` until `until`, or until `done` says so, stepping from one planned
/// event to the next. Returns whether it was done.
inline bool run_until(Loop& loop, Time until, const std::function<bool()>& done) {
  while (!done()) {
    const Time next = loop.next();
    if (next > until) {
      loop.run(until);
      return done();
    }
    loop.run(next);
  }
  return true;
}
inline void run_for(Loop& loop, Duration duration) {
  run_until(loop, loop.now() + duration, [] { return false; });
}

/// A place that holds broadcasts: a publisher, a relay or a viewer.
struct Node {
  Node(Loop& l, HopId id) : loop(l), cache(budget), origin(l, id) {}

  Loop& loop;
  std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>();
  Cache cache;
  Origin origin;
};

/// A session between a client and a server node, with what became of it.
struct Connection {
  std::unique_ptr<Session> client;
  std::unique_ptr<Session> server;
  transport::testing::MemorySession* client_transport = nullptr;
  transport::testing::MemorySession* server_transport = nullptr;
  std::optional<Error> client_error;
  std::optional<Error> server_error;
  bool client_closed_by_peer = false;
  bool server_closed_by_peer = false;
};

struct ConnectOptions {
  std::string version = "moq-lite-05";
  transport::testing::MemoryOptions link;
  /// Of both: most tests look at what a session does until it leaves.
  OnGoaway on_goaway = OnGoaway::stay;
  /// Adjusts the options of either side.
  std::function<void(SessionOptions& client, SessionOptions& server)> adjust;
};

inline std::unique_ptr<Connection> connect(Loop& loop, Node& client, Node& server,
                                           ConnectOptions options = {}) {
  const ProtocolVersion* version = find_protocol_version(options.version);
  if (!options.link.protocol.empty()) options.link.protocol = version->alpn;
  auto pair = transport::testing::memory_pair(loop, options.link);
  auto out = std::make_unique<Connection>();
  out->client_transport = pair.first.get();
  out->server_transport = pair.second.get();
  SessionOptions client_options{.side = Side::client,
                                .publish = &client.origin,
                                .subscribe = &client.origin,
                                .cache = &client.cache,
                                .path = "/",
                                .versions = {version},
                                .on_goaway = options.on_goaway};
  SessionOptions server_options{.side = Side::server,
                                .publish = &server.origin,
                                .subscribe = &server.origin,
                                .cache = &server.cache,
                                .versions = {version},
                                .on_goaway = options.on_goaway};
  if (options.adjust) options.adjust(client_options, server_options);
  out->client = Session::create(loop, std::move(pair.first), std::move(client_options)).value();
  out->server = Session::create(loop, std::move(pair.second), std::move(server_options)).value();
  Connection* raw = out.get();
  out->client->closed([raw](const Error& error, bool by_peer) {
    raw->client_error = error;
    raw->client_closed_by_peer = by_peer;
  });
  out->server->closed([raw](const Error& error, bool by_peer) {
    raw->server_error = error;
    raw->server_closed_by_peer = by_peer;
  });
  return out;
}

/// What a viewer has seen of a track.
struct Viewer final : TrackReader {
  void on_info(const TrackInfo& i) override { info = i; }
  void on_group(std::shared_ptr<Group> group) override { groups[group->sequence()] = group; }
  void on_datagram(const Datagram& datagram) override { datagrams.push_back(datagram); }
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) override {
    drops.push_back({first, last, code});
  }
  void on_end(std::uint64_t e) override { end = e; }
  void on_abort(const Error& e) override { error = e; }

  /// "a b c": the payloads of group `sequence`, "-" if it is not there, with "+"
  /// behind if it is not complete.
  [[nodiscard]] std::string text(std::uint64_t sequence) const {
    const auto it = groups.find(sequence);
    if (it == groups.end()) return "-";
    std::string out;
    for (const Object& object : it->second->only().objects()) {
      if (!object.complete()) break;
      out += (out.empty() ? "" : " ") + std::string(object.flatten().text());
    }
    return it->second->complete() ? out : out + "+";
  }

  struct Drop {
    std::uint64_t first, last, code;
  };
  std::optional<TrackInfo> info;
  std::map<std::uint64_t, std::shared_ptr<Group>> groups;
  std::vector<Datagram> datagrams;
  std::vector<Drop> drops;
  std::optional<std::uint64_t> end;
  std::optional<Error> error;
};

/// A publisher's broadcast with one track.
struct Source {
  Source(Node& node, const std::string& path, const TrackInfo& info = {},
         const std::string& name = "video")
      : broadcast(std::make_shared<Broadcast>(node.loop, node.cache)),
        track(broadcast->create(name).value()) {
    track->accept(info);
    publication = node.origin.publish(Path(path), broadcast, Route{}).value();
  }

  std::shared_ptr<Group> begin(std::uint64_t sequence) {
    return track->create_group(sequence).value();
  }
  static void append(Group& group, std::uint64_t timestamp, const std::string& text) {
    const std::uint64_t id = group.only().objects().size();
    must(group.only().append({.id = id, .timestamp = timestamp, .size = text.size()},
                             Bytes::copy_of(text)));
  }
  static void finish(Group& group) {
    group.only().finish();
    group.finish();
  }
  /// A whole group: one object for each word.
  void group(std::uint64_t sequence, const std::vector<std::string>& words,
             std::uint64_t timestamp = 0) {
    const auto made = begin(sequence);
    for (const auto& word : words) append(*made, timestamp++, word);
    finish(*made);
  }
  template <typename T>
  static void must(const T& result) {
    if (!result) throw std::runtime_error(result.error().message());
  }

  std::shared_ptr<Broadcast> broadcast;
  std::shared_ptr<Track> track;
  std::unique_ptr<Origin::Publication> publication;
};

}  // namespace moq::testing
