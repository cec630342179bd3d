#include "conformance/case.h"

/// The AUTHORIZATION TOKEN, and the aliases of tokens.
namespace moq::conformance {

namespace {

constexpr std::uint64_t kDelete = 0;
constexpr std::uint64_t kRegister = 1;
constexpr std::uint64_t kUseAlias = 2;
/// What a registered token costs besides its value.
constexpr std::uint64_t kOverhead = 16;

Buffer registration(const Draft& draft, std::uint64_t alias, std::string_view value) {
  return draft.writer().integer(kRegister).integer(alias).integer(0).bytes(as_bytes(value)).take();
}

Request subscribe_with(Client& client, Stage& stage, const std::vector<Buffer>& tokens) {
  Fields parameters;
  for (const Buffer& token : tokens) {
    parameters.push_back(client.draft().bytes_field(id::kToken, token));
  }
  return client.subscribe({.track = {stage.space(), "any"}, .parameters = std::move(parameters)});
}

Outcome duplicate_alias(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const std::uint64_t room = client->relay_option(id::kMaxTokenCache).value_or(0);
  if (room < 2 * (kOverhead + 3)) {
    return Verdict{"the relay keeps no tokens (MAX_AUTH_TOKEN_CACHE_SIZE), which it may"};
  }
  const Request first = subscribe_with(*client, stage, {registration(client->draft(), 5, "one")});
  MOQ_CHECK_OK(client->answer(first));
  subscribe_with(*client, stage, {registration(client->draft(), 5, "two")});
  return client->closes(session_code::kDuplicateAuthTokenAlias);
}

Outcome overflow(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const std::uint64_t room = client->relay_option(id::kMaxTokenCache).value_or(0);
  // One more byte than there is room for.
  const std::size_t size = room < kOverhead ? 1 : room - kOverhead + 1;
  if (size > 60000) return Verdict{"a message is too small for what the relay keeps"};
  subscribe_with(*client, stage, {registration(client->draft(), 5, std::string(size, 't'))});
  return client->closes(session_code::kAuthTokenCacheOverflow);
}

Outcome undecodable(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  // An alias type that there is not.
  subscribe_with(*client, stage, {client->draft().writer().integer(9).integer(5).take()});
  return client->closes(session_code::kKeyValueFormattingError);
}

Outcome cut_off(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  subscribe_with(*client, stage, {client->draft().writer().integer(kRegister).take()});
  return client->closes(session_code::kKeyValueFormattingError);
}

Outcome unknown_alias(Stage& stage) {
  MOQ_TRY(const auto client, stage.join());
  const Request request = subscribe_with(
      *client, stage, {client->draft().writer().integer(kUseAlias).integer(99).take()});
  const auto answer = client->answer(request);
  const std::string open = "the error has a code of sessions only (0x17); ";
  if (!answer) {
    MOQ_CHECK_OK(client->closes(session_code::kUnknownAuthTokenAlias));
    return Verdict{open + client->fate()};
  }
  if (!client->draft().is_error(answer->type)) return unmet("the request was accepted");
  const auto code = client->draft().reader(answer->body).integer().value_or(0);
  // It would be refused without the token, too, which this must not be.
  if (code == client->draft().does_not_exist()) {
    return unmet("the token was ignored: the request was refused with " + hex(code));
  }
  return Verdict{open + "the request was refused with " + hex(code)};
}

Outcome in_setup(Stage& stage, std::uint64_t alias_type) {
  MOQ_TRY(const auto client, stage.connect());
  const Draft& draft = client->draft();
  Fields options = client->setup_options();
  options.push_back(
      draft.bytes_field(id::kToken, draft.writer().integer(alias_type).integer(5).take()));
  client->send_control(draft.setup(options));
  return client->closes(session_code::kProtocolViolation);
}

Outcome delete_in_setup(Stage& stage) { return in_setup(stage, kDelete); }
Outcome use_alias_in_setup(Stage& stage) { return in_setup(stage, kUseAlias); }

Outcome overflow_in_setup(Stage& stage) {
  const Draft& draft = stage.draft();
  // More than any relay should keep, and less than a message may be.
  MOQ_TRY(
      const auto client,
      stage.join({draft.bytes_field(id::kToken, registration(draft, 5, std::string(60000, 't')))}));
  return client->stays();
}

constexpr Case kCases[]{
    {"21a", Of::both, "A token registered under an alias that is in use",
     "session closed with 0x14", "AUTHORIZATION TOKEN", duplicate_alias},
    {"21b", Of::both, "A token registered that is more than the relay keeps",
     "session closed with 0x13", "AUTHORIZATION TOKEN", overflow},
    {"21c", Of::both, "A token of an alias type that there is not", "session closed with 0x6",
     "AUTHORIZATION TOKEN", undecodable},
    {"21d", Of::both, "A token that ends behind its alias type", "session closed with 0x6",
     "AUTHORIZATION TOKEN", cut_off},
    {"21e", Of::both, "A token by an alias that is not registered",
     "refused with UNKNOWN_AUTH_TOKEN_ALIAS", "AUTHORIZATION TOKEN", unknown_alias},
    {"21f", Of::only18, "DELETE of a token in SETUP", "session closed with 0x3",
     "AUTHORIZATION TOKEN Parameter", delete_in_setup},
    {"21g", Of::only18, "USE_ALIAS of a token in SETUP", "session closed with 0x3",
     "AUTHORIZATION TOKEN Parameter", use_alias_in_setup},
    {"21h", Of::both, "A token registered in SETUP that is more than the relay keeps",
     "session goes on", "AUTHORIZATION TOKEN, of SETUP", overflow_in_setup},
};

}  // namespace

std::span<const Case> token_cases() { return kCases; }

}  // namespace moq::conformance
