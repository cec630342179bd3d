#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/client_flags.h"
#include "moq-bench/bulk_gate.h"
#include "moq-bench/publisher.h"
#include "moq-bench/range.h"
#include "moq-bench/stalling_transport.h"
#include "moq-bench/subscriber.h"
#include "native/client/client.h"
#include "net/model/origin.h"
#include "net/session/session.h"

namespace moq::bench {

/// What one connection is to do, rolled before it begins.
struct Plan {
  std::uint64_t index = 0;
  Duration delay{};        ///< after the run's start
  Duration gather{};       ///< announcements are collected for so long before it chooses
  std::uint64_t seed = 0;  ///< of its choices
  std::string prefix;      ///< its broadcasts are PREFIX/NUMBER
  std::uint64_t broadcasts = 0;
  Shape shape;
  std::uint64_t subscribe = 0;
  /// Where broadcasts to subscribe to are looked for; itself or below it.
  std::string watch;
  bool slow = false;
};

/// What is the same for all connections of a thread.
struct MemberContext {
  native::EventLoop& events;
  Tally& tally;
  Cache& published;
  Cache& received;
  const Pattern& pattern;
  std::uint64_t clock;
  const apps::ClientOptions& client;
  Duration max_latency;
  BulkGate* bulk;  ///< null: paced
  /// A connection could not be made, or has ended unasked; from its thread.
  std::function<void(std::uint64_t index, const std::string& why, bool was_open)> failed;
};

/// One connection with a socket of its own, what it publishes and what it
/// subscribes to. It hands over when its relay goes away. Belongs to its loop's thread.
class Member final : private AnnounceReader,
                     private native::Connector,
                     private native::ClientHandler {
 public:
  Member(const MemberContext& context, Plan plan, Time start);
  ~Member() override;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] bool open() const { return open_; }
  /// Readers that it will have, if it finds enough to read.
  [[nodiscard]] const std::vector<std::unique_ptr<Publisher>>& publishers() const {
    return publishers_;
  }
  [[nodiscard]] const std::vector<std::unique_ptr<Subscriber>>& subscribers() const {
    return subscribers_;
  }

  void begin_measuring(Time now);
  void end_measuring(Time now);
  /// What its publishers' schedules want by now goes to the tally.
  void offer(Time now);
  void stop_publishing(Time now);
  /// Closes the session; nothing is counted any more.
  void close();
  /// Whether its socket has nothing to send any more.
  [[nodiscard]] bool quiet() const;

 private:
  void dial();
  /// Dials; a slow one's transport stalls.
  native::Connector::Dial connect(const native::Url& url, const native::DialOptions& options,
                                  Connected connected) override;
  void on_connected(Session& session) override;
  void on_disconnected(const Error& error) override;
  void on_closed(const Error& error) override;
  void lost(const std::string& why);
  void on_announcements(const std::vector<Announcement>& changes) override;
  void choose();
  void subscribe(const std::string& path, const std::shared_ptr<Broadcast>& broadcast);

  MemberContext context_;
  Plan plan_;
  Random random_;
  Origin publish_;
  Origin receive_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::set<std::string> own_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::map<std::string, std::shared_ptr<Broadcast>> candidates_;
  bool chosen_ = false;
  bool measuring_ = false;
  bool open_ = false;
  bool begun_ = false;  ///< it was open once
  bool closing_ = false;
  std::unique_ptr<native::Dialer> dialer_;
  std::shared_ptr<StallingTransport> stalling_;
  std::unique_ptr<Origin::Watch> watch_;
  std::optional<native::Client> client_;
  Timer start_timer_;
  Timer choose_timer_;
};

}  // namespace moq::bench
