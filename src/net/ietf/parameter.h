#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "net/base/error.h"
#include "net/coding/fields.h"
#include "net/ietf/codecs.h"
#include "net/ietf/limits.h"
#include "net/ietf/token.h"
#include "net/ietf/version.h"

/// Parameters of messages and options of a SETUP: each declared once, with the drafts
/// that have it. How they are encoded is said by ParameterRules.
///
/// A member that has the value of a new message is not sent; one that does not come
/// keeps it. So an optional member tells whether it came.
namespace moq::ietf {

/// Value codecs: write(writer, form, value) and read(reader, form, value).

/// An integer that is encoded as such in both forms.
template <typename Codec>
struct NumberValue {
  Codec codec = {};

  template <typename T>
  void write(Writer& out, ValueForm, const T& value) const {
    codec.write(out, value);
  }
  template <typename T>
  Result<void> read(Reader& in, ValueForm, T& value) const {
    return codec.read(in, value);
  }
};

/// A number from `min` to `max`: one byte if typed.
struct ByteValue {
  std::uint8_t min = 0;
  std::uint8_t max = 255;

  template <typename T>
  void write(Writer& out, ValueForm form, T value) const {
    const auto number = static_cast<std::uint8_t>(value);
    if (number < min || number > max) out.refuse(CodingError::invalid_value);
    if (form == ValueForm::typed) {
      out.u8(number);
    } else {
      out.varint(number);
    }
  }
  template <typename T>
  Result<void> read(Reader& in, ValueForm form, T& value) const {
    std::uint64_t number = 0;
    if (form == ValueForm::typed) {
      MOQ_TRY(number, in.u8());
    } else {
      MOQ_TRY(number, in.varint());
    }
    if (number < min || number > max) return fail(CodingError::invalid_value);
    value = static_cast<T>(number);
    return {};
  }
};

/// A length, and what it bounds, in both forms.
template <typename Codec>
struct PrefixedValue {
  Codec codec = {};

  template <typename T>
  void write(Writer& out, ValueForm, const T& value) const {
    std::vector<std::uint8_t> content;
    Writer inner(content, out.form());
    codec.write(inner, value);
    if (const auto reason = inner.refused()) out.refuse(*reason);
    if (content.size() > kMaxKeyValue) out.refuse(CodingError::too_large);
    out.varint(content.size());
    out.bytes(content);
  }
  template <typename T>
  Result<void> read(Reader& in, ValueForm, T& value) const {
    MOQ_TRY(const std::uint64_t size, in.varint());
    if (size > kMaxKeyValue) return fail(CodingError::too_large);
    MOQ_TRY(const ByteSpan content, in.bytes(size));
    Reader inner(content, in.form());
    auto result = codec.read(inner, value);
    if (result) result = inner.finish();
    // The length was honest, so running out of bytes is a fault of the value.
    if (!result && result.error().is(CodingError::short_buffer)) {
      return fail(CodingError::invalid_value);
    }
    return result;
  }
};

/// Delimits itself if typed; otherwise has a length.
template <typename Codec>
struct BareValue {
  Codec codec = {};

  template <typename T>
  void write(Writer& out, ValueForm form, const T& value) const {
    if (form == ValueForm::key_value) {
      PrefixedValue<Codec>{codec}.write(out, form, value);
    } else {
      codec.write(out, value);
    }
  }
  template <typename T>
  Result<void> read(Reader& in, ValueForm form, T& value) const {
    if (form == ValueForm::key_value) return PrefixedValue<Codec>{codec}.read(in, form, value);
    return codec.read(in, value);
  }
};

/// Bytes up to the end of what has their length.
struct RestOfBytes {
  void write(Writer& out, const std::string& value) const { out.bytes(as_bytes(value)); }
  Result<void> read(Reader& in, std::string& value) const {
    MOQ_TRY(const ByteSpan bytes, in.bytes(in.remaining()));
    value = as_text(bytes);
    return {};
  }
};

using Number = NumberValue<coding::Varint>;
using Millis = NumberValue<coding::Milliseconds>;
inline constexpr Number kNumberValue{kNumber};
inline constexpr ByteValue kFlagValue{.max = 1};
inline constexpr ByteValue kOrderValue{.min = 1, .max = 2};
/// Repeated, once for each token.
using TokenValue = PrefixedValue<TokenCodec>;
using TextValue = PrefixedValue<RestOfBytes>;

template <typename Owner, typename T, typename Codec>
struct Parameter {
  std::string_view name;
  std::uint64_t id;
  T Owner::*member;
  Codec codec;
  coding::VersionRange versions;
};

/// In a message's table, parameters are in the order of their ids. One that is
/// encoded differently in other drafts is declared again.
template <typename Owner, typename T, typename Codec>
[[nodiscard]] constexpr Parameter<Owner, T, Codec> param(std::string_view name, std::uint64_t id,
                                                         T Owner::*member, Codec codec,
                                                         coding::VersionRange versions = {}) {
  return {name, id, member, codec, versions};
}

namespace detail {

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

/// A member that a parameter fills again each time it comes. (A namespace is a vector
/// too, but comes as one value.)
template <typename T>
inline constexpr bool kRepeats = std::is_same_v<T, std::vector<Token>>;

/// Calls `f(value)` for each value of a member that is to be sent.
template <typename T, typename F>
void for_each_value(const T& member, const T& unset, F&& f) {
  if constexpr (kRepeats<T>) {
    for (const auto& value : member) f(value);
  } else if constexpr (IsOptional<T>::value) {
    if (member) f(*member);
  } else {
    if (member != unset) f(member);
  }
}

template <typename T, typename Codec>
Result<void> read_value(Reader& in, ValueForm form, const Codec& codec, T& member) {
  if constexpr (kRepeats<T>) {
    if (member.size() == kMaxTokens) return fail(CodingError::too_many);
    return codec.read(in, form, member.emplace_back());
  } else if constexpr (IsOptional<T>::value) {
    return codec.read(in, form, member.emplace());
  } else {
    return codec.read(in, form, member);
  }
}

/// Calls `f(parameter)` for each of `table` that `version` has.
template <typename Table, typename F>
void for_each_in(const Table& table, coding::VersionOrdinal version, F&& f) {
  std::apply(
      [&](const auto&... rows) {
        ((rows.versions.contains(version) ? static_cast<void>(f(rows)) : void()), ...);
      },
      table);
}

/// What to do with an id that the message does not have: skips its value, or fails.
[[nodiscard]] Result<void> pass_over(Reader& in, const VersionInfo& version,
                                     const ParameterRules& rules, std::uint64_t id);

/// The next id.
[[nodiscard]] Result<std::uint64_t> read_id(Reader& in, const ParameterRules& rules,
                                            std::uint64_t previous);

template <typename Table, typename Owner>
void write_parameters(Writer& out, const VersionInfo& version, const ParameterRules& rules,
                      const Table& table, const Owner& owner) {
  const Owner unset{};
  const auto ordinal_of = ordinal(version.version);
  if (rules.counted) {
    std::uint64_t count = 0;
    for_each_in(table, ordinal_of, [&](const auto& row) {
      for_each_value(owner.*row.member, unset.*row.member, [&](const auto&) { ++count; });
    });
    out.varint(count);
  }
  std::uint64_t previous = 0;
  for_each_in(table, ordinal_of, [&](const auto& row) {
    for_each_value(owner.*row.member, unset.*row.member, [&](const auto& value) {
      out.varint(rules.delta_types ? row.id - previous : row.id);
      previous = row.id;
      row.codec.write(out, rules.values, value);
    });
  });
}

template <typename Table, typename Owner>
Result<void> read_parameters(Reader& in, const VersionInfo& version, const ParameterRules& rules,
                             const Table& table, Owner& owner) {
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
  if (rules.counted) {
    MOQ_TRY(count, in.varint());
  }
  std::bitset<std::tuple_size_v<Table>> seen;
  std::uint64_t id = 0;
  // Each turn takes a byte at least, or fails.
  for (std::uint64_t i = 0; i < count && (rules.counted || in.remaining() > 0); ++i) {
    MOQ_TRY(id, read_id(in, rules, id));
    bool known = false;
    std::size_t index = 0;
    Result<void> result;
    const auto try_row = [&](const auto& row) {
      const std::size_t at = index++;
      if (row.id != id || !row.versions.contains(ordinal(version.version))) return;
      known = true;
      using Member = std::decay_t<decltype(owner.*row.member)>;
      if (seen[at] && !kRepeats<Member>) {
        result = fail(CodingError::duplicate_parameter, std::string(row.name));
        return;
      }
      seen[at] = true;
      result = read_value(in, rules.values, row.codec, owner.*row.member);
      if (!result) result = fail(coding::detail::in_field("parameter", row.name, result.error()));
    };
    std::apply([&](const auto&... rows) { (try_row(rows), ...); }, table);
    if (!known) result = pass_over(in, version, rules, id);
    MOQ_CHECK_OK(result);
  }
  return {};
}

}  // namespace detail
}  // namespace moq::ietf
