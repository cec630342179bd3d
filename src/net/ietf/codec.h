#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/ietf/message.h"

/// Messages as bytes.
namespace moq::ietf {

namespace detail {

template <typename M>
concept HasMessageParameters = requires {
  M::message_parameters();
};
template <typename M>
concept HasSetupOptions = requires {
  M::setup_options();
};
template <typename M>
concept HasTrailingFields = requires {
  M::trailing_fields();
};

/// Whether `version` has a place for parameters in M.
template <typename M>
[[nodiscard]] constexpr bool has_parameters(coding::VersionOrdinal version) {
  if constexpr (requires { M::parameters_in(); }) {
    return M::parameters_in().contains(version);
  } else {
    return true;
  }
}

template <typename M>
void write_body(Writer& out, const VersionInfo& version, const M& message) {
  const auto ordinal_of = ordinal(version.version);
  coding::write_body(out, ordinal_of, message);
  if constexpr (HasSetupOptions<M>) {
    write_parameters(out, version, version.setup_options, M::setup_options(), message.options);
  }
  if constexpr (HasMessageParameters<M>) {
    if (has_parameters<M>(ordinal_of)) {
      write_parameters(out, version, version.message_parameters, M::message_parameters(), message);
    }
  }
  if constexpr (HasTrailingFields<M>) {
    for_each_in(M::trailing_fields(), ordinal_of,
                [&](const auto& f) { f.codec.write(out, message.*f.member); });
  }
}

template <typename M>
Result<void> read_rest(Reader& in, const VersionInfo& version, M& message) {
  const auto ordinal_of = ordinal(version.version);
  if constexpr (HasSetupOptions<M>) {
    MOQ_CHECK_OK(
        read_parameters(in, version, version.setup_options, M::setup_options(), message.options));
  }
  if constexpr (HasMessageParameters<M>) {
    if (has_parameters<M>(ordinal_of)) {
      MOQ_CHECK_OK(read_parameters(in, version, version.message_parameters, M::message_parameters(),
                                   message));
    }
  }
  Result<void> result;
  if constexpr (HasTrailingFields<M>) {
    for_each_in(M::trailing_fields(), ordinal_of, [&](const auto& f) {
      if (result) result = f.codec.read(in, message.*f.member);
    });
  }
  return result;
}

/// The error, with the message's name.
[[nodiscard]] Error in_message(std::string_view name, const Error& error);

/// Puts type and length around what `body` is; fails with `too_large` above kMaxMessage.
[[nodiscard]] Result<std::vector<std::uint8_t>> frame(const VersionInfo& version,
                                                      std::uint64_t type, std::string_view name,
                                                      const std::vector<std::uint8_t>& body,
                                                      std::optional<CodingError> refused);

}  // namespace detail

/// The whole message, with its type and length. `request`: what it answers or ends,
/// where the type depends on that (RequestOk, RequestError).
///
/// Fails with a CodingError: `unsupported` if the version has no such message, or several
/// and `request` is missing;
/// `too_large` if it has more than kMaxMessage bytes, or a number that the draft has no
/// encoding for; `invalid_value` if it says what the draft cannot say, as the message's
/// description tells.
template <coding::Message M>
[[nodiscard]] Result<std::vector<std::uint8_t>> encode(Version version, const M& message,
                                                       std::optional<MessageKind> request = {}) {
  const VersionInfo& info = version_info(version);
  const auto type = type_of(version, M::kKind, request);
  if (!type || !coding::exists_in<M>(ordinal(version))) {
    return fail(CodingError::unsupported, std::string(M::kName));
  }
  std::vector<std::uint8_t> body;
  Writer writer(body, info.integers);
  detail::write_body(writer, info, message);
  return detail::frame(info, *type, M::kName, body, writer.refused());
}

/// The message that a body, without type and length, holds. Which M that is, says
/// find_message. Fails with a CodingError or a SessionError: to_session_error says what
/// to close the session with.
template <coding::Message M>
[[nodiscard]] Result<M> decode(Version version, ByteSpan body) {
  const VersionInfo& info = version_info(version);
  Reader in(body, info.integers);
  MOQ_TRY(M message, coding::read_body<M>(in, ordinal(version)));
  auto rest = detail::read_rest(in, info, message);
  if (rest) rest = in.finish();
  if (!rest) return fail(detail::in_message(M::kName, rest.error()));
  return message;
}

/// For logs. Tokens are without their values; of properties it has the size in bytes.
template <coding::Message M>
[[nodiscard]] std::string print(Version version, const M& message) {
  std::string out = coding::print(ordinal(version), message);
  out.pop_back();
  const auto add = [&](std::string_view name, const auto& value) {
    if (out.back() != '{') out += ' ';
    out += name;
    out += '=';
    using coding::print_value;
    print_value(out, value);
  };
  if constexpr (detail::HasSetupOptions<M>) {
    detail::for_each_in(M::setup_options(), ordinal(version),
                        [&](const auto& row) { add(row.name, message.options.*row.member); });
  }
  if constexpr (detail::HasMessageParameters<M>) {
    detail::for_each_in(M::message_parameters(), ordinal(version),
                        [&](const auto& row) { add(row.name, message.*row.member); });
  }
  if constexpr (detail::HasTrailingFields<M>) {
    detail::for_each_in(M::trailing_fields(), ordinal(version), [&](const auto& row) {
      add(row.name, std::uint64_t{(message.*row.member).size()});
    });
  }
  out += '}';
  return out;
}

}  // namespace moq::ietf
