#include <csignal>

#include <algorithm>

#include "conformance/case.h"

/// A relay that is asked to end, with SIGTERM. Each of these is the last of its relay's.
namespace moq::conformance {

namespace {

constexpr std::uint64_t kGoingAway = 0x6;  // 18: REQUEST_ERROR

std::vector<Message> goaways(const Client& client) {
  auto all = client.control_messages();
  std::erase_if(all, [](const Message& each) { return each.type != type::kGoaway; });
  return all;
}

Result<Message> drain(Stage& stage, Client& client) {
  if (::kill(stage.relay(), SIGTERM) != 0) return unmet("the relay is gone");
  if (!client.connection().wait([&] { return !goaways(client).empty(); })) {
    return unmet("no GOAWAY came: " + client.fate());
  }
  return goaways(client).front();
}

Outcome one_goaway(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  MOQ_TRY(const Message goaway, drain(stage, *made.subscriber));
  Reader in = stage.draft().reader(goaway.body);
  const auto uri = in.text();
  if (!uri || !uri->empty()) return unmet("GOAWAY has a URI, and the relay was given none");
  if (stage.is(18)) {
    const auto timeout = in.integer();
    const auto id = in.integer();
    if (!timeout || !id) return unmet("GOAWAY lacks its Timeout or its Request ID");
    if (*id != made.subscriber->next_id()) {
      return unmet("GOAWAY has Request ID " + std::to_string(*id) + " after one request");
    }
  }
  if (!in.empty()) return unmet("GOAWAY is longer than its fields");
  // Until the end, no other comes.
  made.subscriber->connection().wait_closed();
  if (goaways(*made.subscriber).size() != 1) return unmet("a second GOAWAY came");
  return Verdict{};
}

Outcome live_group(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  const Subgroup sent{.alias = made.alias, .objects = {{.payload = "before"}}};
  Stream& stream = made.publisher->send(sent, false);
  MOQ_TRY(const Stream* below, made.subscriber->group_stream(0, 1));
  MOQ_CHECK_OK(drain(stage, *made.subscriber));
  stream.write(encode_next(stage.draft(), sent.type, 0, {{.id = 1, .payload = "after"}}));
  stream.end();
  MOQ_CHECK_OK(made.subscriber->group_stream(0, 2));
  if (!made.subscriber->connection().wait([&] { return below->ended(); })) {
    return unmet("the stream was not ended: " + made.subscriber->fate());
  }
  return Verdict{};
}

Outcome lingerer(Stage& stage) {
  MOQ_TRY(const Relayed made, relay(stage));
  MOQ_CHECK_OK(drain(stage, *made.subscriber));
  return made.subscriber->closes(session_code::kGoawayTimeout);
}

Outcome late_request(Stage& stage) {
  // A subscription of the other keeps the session.
  MOQ_TRY(const Relayed made, relay(stage));
  MOQ_CHECK_OK(drain(stage, *made.subscriber));
  const Request late = made.subscriber->subscribe({.track = {stage.space(), "audio"}});
  return made.subscriber->refused(late, kGoingAway);
}

constexpr Case kCases[]{
    {"27a", Of::both, "A relay that is drained", "one GOAWAY", "GOAWAY", one_goaway},
    {"27b", Of::both, "An object that is published after GOAWAY, in an open group",
     "delivered, and the stream ended", "GOAWAY", live_group},
    {"27c", Of::both, "A peer with a subscription that stays", "session closed with 0x10",
     "Migration", lingerer},
    {"27d", Of::only18, "A request that comes after GOAWAY", "refused with 0x6", "GOAWAY",
     late_request},
};

}  // namespace

std::span<const Case> drain_cases() { return kCases; }

}  // namespace moq::conformance
