#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/coding/fields.h"
#include "net/lite/message.h"

namespace moq::lite {

/// Appends `message` to `out`: its length and its fields, no type of stream or
/// answer. Throws std::logic_error if `version` does not have the message: ask
/// version_info(version) first.
template <coding::Message M>
void encode(std::vector<std::uint8_t>& out, Version version, const M& message) {
  if (!coding::exists_in<M>(ordinal(version))) {
    throw std::logic_error(std::string(version_info(version).name) + " has no " +
                           std::string(M::kName));
  }
  coding::Writer writer(out);
  const std::size_t size = coding::body_size(ordinal(version), message);
  writer.reserve(size + coding::kMaxVarintSize);
  writer.varint(size);
  coding::write_body(writer, ordinal(version), message);
}

template <coding::Message M>
[[nodiscard]] std::vector<std::uint8_t> encode(Version version, const M& message) {
  std::vector<std::uint8_t> out;
  encode(out, version, message);
  return out;
}

/// Appends a type of stream or answer: what precedes a message.
inline void append_varint(std::vector<std::uint8_t>& out, std::uint64_t value) {
  coding::Writer(out).varint(value);
}

/// What a Group Stream begins with: its type and GROUP.
[[nodiscard]] std::vector<std::uint8_t> group_prefix(Version version, const GroupHeader& header);

/// Appends the type that a stream begins with.
template <typename Type>
requires std::is_enum_v<Type>
void append_type(std::vector<std::uint8_t>& out, Type type) {
  append_varint(out, static_cast<std::uint64_t>(type));
}

/// The message that `body`, without its length, holds. Fails with CodingErrors:
/// `unsupported` if `version` does not have the message.
template <coding::Message M>
[[nodiscard]] Result<M> decode_body(Version version, ByteSpan body) {
  return coding::decode_body<M>(ordinal(version), body);
}

/// For logs.
template <coding::Message M>
[[nodiscard]] std::string print(Version version, const M& message) {
  return coding::print(ordinal(version), message);
}

struct DecodedDatagram {
  DatagramHeader header;
  /// The frame's payload, sharing the datagram's storage.
  Bytes payload;
};

/// A datagram's whole body; fails with `too_large` above kMaxDatagram. Whatever
/// the error, a receiver drops the datagram and nothing else (§"Datagrams").
[[nodiscard]] Result<DecodedDatagram> decode_datagram(Version version, const Bytes& body);
/// Fails with `too_large` if the group is not eligible for a datagram.
[[nodiscard]] Result<std::vector<std::uint8_t>> encode_datagram(Version version,
                                                                const DatagramHeader& header,
                                                                ByteSpan payload);

}  // namespace moq::lite
