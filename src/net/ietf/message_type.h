#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

/// Which number stands for which message, and where it may come: one table for each
/// draft. A number may mean several things (REQUEST_OK), and one thing may have several
/// numbers (draft-14's errors): what tells them apart is the request in question.
namespace moq::ietf {

enum class Version : std::uint8_t;

/// Messages as this library has them, each a struct in message_*.h.
enum class MessageKind : std::uint8_t {
  client_setup,
  server_setup,
  setup,
  goaway,
  request_goaway,  ///< GOAWAY on a request stream, for that request
  max_request_id,
  requests_blocked,
  subscribe,
  subscribe_ok,
  request_update,  ///< SUBSCRIBE_UPDATE up to draft-15
  request_update_ok,
  unsubscribe,
  publish,
  publish_ok,
  publish_done,
  fetch,
  fetch_ok,
  fetch_cancel,
  track_status,
  track_status_ok,
  publish_namespace,
  publish_namespace_done,
  publish_namespace_cancel,
  subscribe_namespace,
  unsubscribe_namespace,
  subscribe_tracks,
  namespace_added,  ///< NAMESPACE
  namespace_done,
  publish_blocked,
  request_ok,     ///< the success of a request that concerns namespaces
  request_error,  ///< any request's failure
};
inline constexpr std::size_t kMessageKinds =
    static_cast<std::size_t>(MessageKind::request_error) + 1;

/// The drafts' name, "SUBSCRIBE_OK".
[[nodiscard]] std::string_view to_string(MessageKind kind);

/// A set of kinds.
class KindSet {
 public:
  constexpr KindSet() = default;
  constexpr KindSet(std::initializer_list<MessageKind> kinds) {
    for (const MessageKind kind : kinds) bits_ |= bit(kind);
  }
  [[nodiscard]] constexpr bool contains(MessageKind kind) const { return (bits_ & bit(kind)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  friend constexpr bool operator==(const KindSet&, const KindSet&) = default;
  /// The first of those in it; not if it is empty.
  [[nodiscard]] constexpr MessageKind first() const {
    return static_cast<MessageKind>(std::countr_zero(bits_));
  }

 private:
  [[nodiscard]] static constexpr std::uint64_t bit(MessageKind kind) {
    return std::uint64_t{1} << static_cast<unsigned>(kind);
  }
  std::uint64_t bits_ = 0;
};

/// Where a message may come.
enum class Place : std::uint8_t {
  control,          ///< on the control stream, or streams
  opens_request,    ///< first on a request stream, and only there
  follows_request,  ///< later on a request stream, in either direction
};

/// A row of a draft's table.
struct MessageType {
  std::uint64_t type;
  MessageKind kind;
  Place place;
  /// The requests that it answers, or on whose stream it follows; none if it belongs
  /// to no request, or is one.
  KindSet requests = {};
};

/// The table of `version`.
[[nodiscard]] std::span<const MessageType> message_types(Version version);

/// What `type` means as an answer to `request`, or as a later message on its stream;
/// null if it may not be there. `request` is what is answered: of two answers on a
/// request's stream the first is to the request itself, the next to a request_update.
[[nodiscard]] const MessageType* find_message(Version version, std::uint64_t type,
                                              MessageKind request);
/// What `type` means on the control stream or as the first message of a request stream;
/// null if it may not be there.
[[nodiscard]] const MessageType* find_message(Version version, std::uint64_t type, Place place);

/// Whether the draft has `type` at all: another is a reason to close the session
/// wherever it comes.
[[nodiscard]] bool knows_type(Version version, std::uint64_t type);

/// The number for `kind`, for `request` where that matters; none if the draft has no
/// such message, or several of which `request` would have to choose.
[[nodiscard]] std::optional<std::uint64_t> type_of(Version version, MessageKind kind,
                                                   std::optional<MessageKind> request = {});

}  // namespace moq::ietf
