#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "net/base/error.h"
#include "net/coding/codecs.h"
#include "net/coding/print.h"

/// Messages are structs that declare their fields once:
///
///     struct Fetch {
///       std::string track;
///       std::uint64_t group = 0;
///       static constexpr std::string_view kName = "FETCH";
///       static constexpr auto fields() {
///         return std::tuple(field("track", &Fetch::track, Text{.max = 64}),
///                           field("group", &Fetch::group, Varint{}, since(Version::v3)));
///       }
///     };
///
/// Size, encoding, decoding and printing follow from that. A member may be
/// declared more than once, with other codecs for other versions. A message may
/// also declare `versions()`, the versions that have it at all; and `parameters()`
/// with `kMaxParameters`, which follow its fields: a count, and for each an id, a
/// length and a value. Those with an unknown id are skipped, those that have their
/// member's default value are not sent.
namespace moq::coding {

/// A protocol version as a number that orders it among its family.
using VersionOrdinal = std::uint32_t;

/// The versions that have something, both ends included; by default all.
struct VersionRange {
  VersionOrdinal first = 0;
  VersionOrdinal last = std::numeric_limits<VersionOrdinal>::max();

  [[nodiscard]] constexpr bool contains(VersionOrdinal version) const {
    return version >= first && version <= last;
  }
  /// Narrows the range to end with `version`, included.
  template <typename Version>
  [[nodiscard]] constexpr VersionRange until(Version version) const {
    return {first, static_cast<VersionOrdinal>(version)};
  }
};

/// From `version` on.
template <typename Version>
[[nodiscard]] constexpr VersionRange since(Version version) {
  return {.first = static_cast<VersionOrdinal>(version)};
}
/// Up to `version`, included.
template <typename Version>
[[nodiscard]] constexpr VersionRange until(Version version) {
  return VersionRange{}.until(version);
}
template <typename Version>
[[nodiscard]] constexpr VersionRange only(Version version) {
  return since(version).until(version);
}

template <typename Owner, typename T, typename Codec>
struct Field {
  std::string_view name;
  T Owner::*member;
  Codec codec;
  VersionRange versions;
};

template <typename Owner, typename T, typename Codec>
[[nodiscard]] constexpr Field<Owner, T, Codec> field(std::string_view name, T Owner::*member,
                                                     Codec codec, VersionRange versions = {}) {
  return {name, member, codec, versions};
}

template <typename Owner, typename T, typename Codec>
struct Parameter {
  std::string_view name;
  std::uint64_t id;
  T Owner::*member;
  Codec codec;
};

template <typename Owner, typename T, typename Codec>
[[nodiscard]] constexpr Parameter<Owner, T, Codec> parameter(std::string_view name,
                                                             std::uint64_t id, T Owner::*member,
                                                             Codec codec) {
  return {name, id, member, codec};
}

template <typename M>
concept Message = requires {
  { M::kName } -> std::convertible_to<std::string_view>;
  M::fields();
};

template <typename M>
concept HasParameters = Message<M> && requires {
  M::parameters();
};

/// Whether `version` has message M.
template <Message M>
[[nodiscard]] constexpr bool exists_in(VersionOrdinal version) {
  if constexpr (requires { M::versions(); }) {
    return M::versions().contains(version);
  } else {
    return true;
  }
}

/// Calls `f(field)` for every field that `version` has.
template <Message M, typename F>
constexpr void for_each_field(VersionOrdinal version, F&& f) {
  std::apply(
      [&](const auto&... fields) {
        ((fields.versions.contains(version) ? static_cast<void>(f(fields)) : void()), ...);
      },
      M::fields());
}

/// Calls `f(parameter)` for every parameter that M knows.
template <Message M, typename F>
constexpr void for_each_parameter(F&& f) {
  if constexpr (HasParameters<M>) {
    std::apply([&](const auto&... parameters) { (static_cast<void>(f(parameters)), ...); },
               M::parameters());
  }
}

namespace detail {

// A parameter's value is what an optional holds, or the member itself.
template <typename T>
const T* value_to_send(const std::optional<T>& member) {
  return member ? &*member : nullptr;
}
template <typename T>
const T* value_to_send(const T& member) {
  return member == T{} ? nullptr : &member;
}

template <typename T>
T& value_to_fill(std::optional<T>& member) {
  return member.emplace();
}
template <typename T>
T& value_to_fill(T& member) {
  return member;
}

[[nodiscard]] inline Error in_field(std::string_view message, std::string_view name,
                                    const Error& error) {
  std::string where(message);
  where += '.';
  where += name;
  if (!error.detail().empty()) where += ": " + error.detail();
  return {error.domain(), error.code(), std::move(where)};
}

template <HasParameters M>
Result<void> read_parameters(Reader& in, M& message) {
  MOQ_TRY(const std::uint64_t count, in.varint());
  if (count > M::kMaxParameters) return fail(CodingError::too_many);
  std::array<std::uint64_t, M::kMaxParameters> seen{};
  for (std::size_t i = 0; i < count; ++i) {
    MOQ_TRY(const std::uint64_t id, in.varint());
    MOQ_TRY(const std::uint64_t length, in.varint());
    MOQ_TRY(const ByteSpan value, in.bytes(length));
    const auto end = seen.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(seen.begin(), end, id) != end) {
      return fail(CodingError::duplicate_parameter, std::to_string(id));
    }
    *end = id;
    Result<void> result;
    for_each_parameter<M>([&](const auto& known) {
      if (known.id != id) return;
      Reader inner(value);
      result = known.codec.read(inner, value_to_fill(message.*known.member));
      if (result) result = inner.finish();
      // The length was honest, so running out of bytes is a fault of the value.
      if (!result && result.error().is(CodingError::short_buffer)) {
        result = fail(CodingError::invalid_value);
      }
      if (!result) result = fail(in_field(M::kName, known.name, result.error()));
    });
    MOQ_CHECK_OK(result);
  }
  return {};
}

}  // namespace detail

/// The length of the encoded fields and parameters.
template <Message M>
[[nodiscard]] std::size_t body_size(VersionOrdinal version, const M& message) {
  std::size_t total = 0;
  for_each_field<M>(version, [&](const auto& f) { total += f.codec.size(message.*f.member); });
  if constexpr (HasParameters<M>) {
    std::uint64_t count = 0;
    for_each_parameter<M>([&](const auto& p) {
      const auto* value = detail::value_to_send(message.*p.member);
      if (value == nullptr) return;
      const std::size_t size = p.codec.size(*value);
      total += Writer::size_of(p.id) + Writer::size_of(size) + size;
      ++count;
    });
    total += Writer::size_of(count);
  }
  return total;
}

/// Appends the fields that `version` has, and the parameters.
template <Message M>
void write_body(Writer& out, VersionOrdinal version, const M& message) {
  for_each_field<M>(version, [&](const auto& f) { f.codec.write(out, message.*f.member); });
  if constexpr (HasParameters<M>) {
    std::uint64_t count = 0;
    for_each_parameter<M>(
        [&](const auto& p) { count += detail::value_to_send(message.*p.member) != nullptr; });
    out.varint(count);
    for_each_parameter<M>([&](const auto& p) {
      const auto* value = detail::value_to_send(message.*p.member);
      if (value == nullptr) return;
      out.varint(p.id);
      out.varint(p.codec.size(*value));
      p.codec.write(out, *value);
    });
  }
}

/// Reads the fields that `version` has, and the parameters; what follows them is
/// left. Members without a field keep their defaults. Errors name the field.
template <Message M>
Result<M> read_body(Reader& in, VersionOrdinal version) {
  if (!exists_in<M>(version)) return fail(CodingError::unsupported, std::string(M::kName));
  M message{};
  Result<void> result;
  for_each_field<M>(version, [&](const auto& f) {
    if (!result) return;
    if (auto read = f.codec.read(in, message.*f.member); !read) {
      result = fail(detail::in_field(M::kName, f.name, read.error()));
    }
  });
  MOQ_CHECK_OK(result);
  if constexpr (HasParameters<M>) MOQ_CHECK_OK(detail::read_parameters(in, message));
  return message;
}

/// Reads a whole body: as read_body, and fails with `trailing_bytes` if more follows.
template <Message M>
Result<M> decode_body(VersionOrdinal version, ByteSpan body) {
  Reader in(body);
  Result<M> message = read_body<M>(in, version);
  if (message && in.remaining() > 0) {
    return fail(CodingError::trailing_bytes, std::string(M::kName));
  }
  return message;
}

/// `SUBSCRIBE{id=1 broadcast="a" ...}`, for logs.
template <Message M>
[[nodiscard]] std::string print(VersionOrdinal version, const M& message) {
  std::string out(M::kName);
  out += '{';
  const auto add = [&](const auto& entry) {
    if (out.back() != '{') out += ' ';
    out += entry.name;
    out += '=';
    print_value(out, message.*entry.member);
  };
  for_each_field<M>(version, add);
  for_each_parameter<M>(add);
  out += '}';
  return out;
}

}  // namespace moq::coding
