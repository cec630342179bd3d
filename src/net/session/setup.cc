#include "net/session/setup.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "net/coding/error.h"
#include "net/coding/reader.h"
#include "net/coding/writer.h"

namespace moq::setup {

using coding::CodingError;
using coding::Reader;
using coding::Writer;

namespace {

/// Bytes of the length field.
constexpr std::size_t kLengthSize = 2;

/// PATH, MAX_REQUEST_ID, MAX_AUTH_TOKEN_CACHE_SIZE, AUTHORITY and MOQT_IMPLEMENTATION:
/// once each. Only AUTHORIZATION_TOKEN, 0x3, may be repeated.
constexpr std::array<std::uint64_t, 5> kOnce{kPath, 0x2, 0x4, 0x5, 0x7};

void write(Writer& out, const Parameters& parameters) {
  out.varint(parameters.size());
  for (const Parameter& parameter : parameters) {
    out.varint(parameter.id);
    if (parameter.id % 2 == 0) {
      out.varint(parameter.number);
    } else {
      out.varint(parameter.bytes.size());
      out.bytes(as_bytes(parameter.bytes));
    }
  }
}

Result<Parameters> read_parameters(Reader& in) {
  MOQ_TRY(const std::uint64_t count, in.varint());
  if (count > kMaxParameters) return fail(CodingError::too_many, "SETUP.parameters");
  Parameters out;
  for (std::uint64_t i = 0; i < count; ++i) {
    Parameter parameter;
    MOQ_TRY(parameter.id, in.varint());
    if (std::ranges::find(kOnce, parameter.id) != kOnce.end() &&
        find(out, parameter.id) != nullptr) {
      return fail(CodingError::duplicate_parameter, "SETUP." + std::to_string(parameter.id));
    }
    if (parameter.id % 2 == 0) {
      MOQ_TRY(parameter.number, in.varint());
    } else {
      MOQ_TRY(const std::uint64_t size, in.varint());
      MOQ_TRY(const ByteSpan bytes, in.bytes(size));
      parameter.bytes = as_text(bytes);
    }
    out.push_back(std::move(parameter));
  }
  return out;
}

std::vector<std::uint8_t> framed(Type type, const std::vector<std::uint8_t>& body) {
  if (body.size() > kMaxBody) throw std::length_error("a SETUP of more than 65535 bytes");
  std::vector<std::uint8_t> out;
  Writer writer(out);
  writer.varint(static_cast<std::uint64_t>(type));
  writer.u8(static_cast<std::uint8_t>(body.size() >> 8));
  writer.u8(static_cast<std::uint8_t>(body.size() & 0xff));
  writer.bytes(body);
  return out;
}

}  // namespace

const Parameter* find(const Parameters& parameters, std::uint64_t id) {
  const auto found = std::ranges::find(parameters, id, &Parameter::id);
  return found == parameters.end() ? nullptr : &*found;
}

std::vector<std::uint8_t> encode(const ClientSetup& message) {
  std::vector<std::uint8_t> body;
  Writer writer(body);
  writer.varint(message.versions.size());
  for (const std::uint64_t version : message.versions) writer.varint(version);
  write(writer, message.parameters);
  return framed(Type::client, body);
}

std::vector<std::uint8_t> encode(const ServerSetup& message) {
  std::vector<std::uint8_t> body;
  Writer writer(body);
  writer.varint(message.version);
  write(writer, message.parameters);
  return framed(Type::server, body);
}

Result<ClientSetup> decode_client(ByteSpan body) {
  Reader in(body);
  ClientSetup message;
  MOQ_TRY(const std::uint64_t count, in.varint());
  if (count > kMaxVersions) return fail(CodingError::too_many, "CLIENT_SETUP.versions");
  for (std::uint64_t i = 0; i < count; ++i) {
    MOQ_TRY(const std::uint64_t version, in.varint());
    message.versions.push_back(version);
  }
  MOQ_TRY(message.parameters, read_parameters(in));
  MOQ_CHECK_OK(in.finish());
  return message;
}

Result<ServerSetup> decode_server(ByteSpan body) {
  Reader in(body);
  ServerSetup message;
  MOQ_TRY(message.version, in.varint());
  MOQ_TRY(message.parameters, read_parameters(in));
  MOQ_CHECK_OK(in.finish());
  return message;
}

Result<std::optional<Bytes>> MessageReader::feed(const Bytes& bytes, bool fin) {
  held_.insert(held_.end(), bytes.span().begin(), bytes.span().end());
  Reader in(held_);
  if (const auto type = in.varint()) {
    if (*type != static_cast<std::uint64_t>(expected_)) {
      return fail(CodingError::unknown_type, "SETUP was to come");
    }
    if (in.remaining() >= kLengthSize) {
      const std::size_t high = *in.u8();
      const std::size_t size = high << 8 | *in.u8();
      if (const auto body = in.bytes(size)) {
        rest_ = Bytes::copy_of(in.rest());
        return Bytes::copy_of(*body);
      }
    }
  }
  if (fin) return fail(CodingError::short_buffer, "the stream ends before SETUP does");
  return std::nullopt;
}

}  // namespace moq::setup
