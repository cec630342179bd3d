#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/connection.h"
#include "conformance/data.h"
#include "conformance/draft.h"

namespace moq::conformance {

enum class CaseError : std::uint8_t { unmet = 1 };
const ErrorDomain& error_domain(CaseError);

/// `return unmet("...")`: what was seen in place of what the draft demands. The text says
/// the same each time that the relay does the same.
[[nodiscard]] tl::unexpected<Error> unmet(std::string what);

/// What is said of a case whose demands are met.
struct Verdict {
  /// Why the draft leaves open what is to be seen, and what was; empty where it does not.
  std::string open;
};

struct Message {
  std::uint64_t type = 0;
  Buffer body;
};

/// A request, of either side.
struct Request {
  std::uint64_t id = 0;
  Stream* stream = nullptr;  ///< draft 14: the control stream
  Buffer body;               ///< of the relay's: what follows its id
};

/// A session's client side, which says what a case has it say. Calls that return a Result
/// wait.
class Client {
 public:
  /// Connects, and says nothing yet.
  static Result<std::unique_ptr<Client>> connect(native::EventLoop& events, const std::string& url,
                                                 const Draft& draft, Duration patience);

  [[nodiscard]] const Draft& draft() const { return draft_; }
  [[nodiscard]] Connection& connection() { return *connection_; }

  /// What a client of a moqt: URL has to have in its SETUP, and leave to make requests.
  [[nodiscard]] Fields setup_options() const;
  /// Sends `bytes` on the control stream, which it opens.
  void send_control(const Buffer& bytes);
  Stream& control();
  /// Both SETUPs.
  Result<void> set_up(const Fields& more_options = {});
  /// Waits for the relay's SETUP.
  Result<void> await_setup();
  /// A number among the relay's setup options.
  [[nodiscard]] std::optional<std::uint64_t> relay_option(std::uint64_t type) const;
  /// What the relay has sent on its control stream, except its SETUP.
  [[nodiscard]] std::vector<Message> control_messages() const;

  // --- Requests of the tester's.

  [[nodiscard]] std::uint64_t next_id() const { return next_id_; }
  std::uint64_t take_id();
  /// Sends `message`, which has this id.
  Request request(std::uint64_t id, const Buffer& message);
  Request subscribe(Subscribe message);
  Request subscribe_namespace(const Names& prefix);
  /// Sends `message` about a request, of whichever side.
  void send_about(const Request& request, const Buffer& message);
  /// The answers that have come.
  [[nodiscard]] std::vector<Message> answers(const Request& request) const;
  /// Waits for one, the first if not another.
  Result<Message> answer(const Request& request, std::size_t index = 0);
  /// Waits for the first, which must not be an error.
  Result<Message> accepted(const Request& request);
  /// Waits for the first, which must be an error with this code.
  Result<Verdict> refused(const Request& request, std::uint64_t code);

  // --- Requests of the relay's.

  /// Whether there is one with this type that `asked` has not given.
  [[nodiscard]] bool has_asked(std::uint64_t type) const;
  /// The next one with this type.
  Result<Request> asked(std::uint64_t type);
  /// A SUBSCRIBE for the track `name`.
  Result<Request> asked_for(const std::string& name);
  /// Takes PUBLISH_NAMESPACE to the relay, and its answer.
  Result<Request> publish_namespace(const Names& space);

  // --- Data.

  /// Opens a stream with all of this, and ends it if so.
  Stream& send(const Subgroup& subgroup, bool end = true);
  /// The subgroups that have come so far, each as far as it has.
  [[nodiscard]] std::vector<Subgroup> subgroups() const;
  /// The stream that brings this group. Waits until at least so many objects of it have come.
  Result<Stream*> group_stream(std::uint64_t group, std::size_t objects);

  // --- What becomes of the session.

  /// It is closed by the relay: with this code, or with any.
  Result<Verdict> closes(std::optional<std::uint64_t> code = std::nullopt);
  /// It goes on: two requests are answered, one after the other.
  Result<Verdict> stays();
  /// As `stays`, for a choice that the draft leaves.
  [[nodiscard]] bool alive() { return stays().has_value(); }
  /// "closed with 0x3", "the session stayed open".
  [[nodiscard]] std::string fate() const;

 private:
  Client(const Draft& draft, std::unique_ptr<Connection> connection)
      : draft_(draft), connection_(std::move(connection)) {}
  [[nodiscard]] std::vector<Message> messages_of(const Stream& stream) const;
  [[nodiscard]] const Stream* control_in() const;
  [[nodiscard]] std::vector<Request> requests(std::uint64_t type) const;

  const Draft& draft_;
  std::unique_ptr<Connection> connection_;
  Stream* control_ = nullptr;
  std::uint64_t next_id_ = 0;
  std::map<std::uint64_t, std::size_t> taken_;  ///< of the relay's requests, by type
};

/// "0x1f".
[[nodiscard]] std::string hex(std::uint64_t number);

}  // namespace moq::conformance
