#include "net/ietf/stream.h"

#include <algorithm>
#include <string>
#include <utility>

#include "net/coding/error.h"
#include "net/coding/writer.h"

namespace moq::ietf {

using coding::CodingError;

namespace {
/// The longest header: a type, three numbers and a priority.
constexpr std::size_t kMaxHeader = 4 * coding::kMaxIntegerSize + 1;
}  // namespace

std::optional<StreamKind> stream_kind(const VersionInfo& version, std::uint64_t type) {
  if (type == kFetchStream) return StreamKind::fetch;
  if (is_subgroup_type(version, type)) return StreamKind::subgroup;
  if (version.has_padding && type == kPaddingStream) return StreamKind::padding;
  const auto* message = find_message(version.version, type, Place::control);
  if (version.setup == SetupForm::one_each && message != nullptr &&
      message->kind == MessageKind::setup) {
    return StreamKind::setup;
  }
  return std::nullopt;
}

Result<std::vector<std::uint8_t>> encode(Version version, const FetchHeader& header) {
  std::vector<std::uint8_t> bytes;
  coding::Writer out(bytes, version_info(version).integers);
  out.varint(kFetchStream);
  out.varint(header.request_id);
  if (const auto reason = out.refused()) return fail(*reason, "FETCH_HEADER");
  return bytes;
}

std::vector<std::uint8_t> encode_padding(Version version, std::uint64_t type) {
  std::vector<std::uint8_t> bytes;
  coding::Writer(bytes, version_info(version).integers).varint(type);
  return bytes;
}

Result<StreamStart> StreamStartReader::read(coding::Reader& in) const {
  StreamStart start;
  MOQ_TRY(start.type, in.varint());
  const auto kind = stream_kind(version_, start.type);
  if (!kind) return fail(CodingError::unknown_type, "stream " + std::to_string(start.type));
  start.kind = *kind;
  if (*kind == StreamKind::subgroup) {
    MOQ_TRY(start.subgroup, read_subgroup_header(start.type, in));
  } else if (*kind == StreamKind::fetch) {
    MOQ_TRY(start.fetch.request_id, in.varint());
  }
  return start;
}

Result<std::optional<StreamStart>> StreamStartReader::feed(const Bytes& bytes, bool fin) {
  const std::size_t had = held_.size();
  const ByteSpan head = bytes.span().first(std::min(bytes.size(), kMaxHeader));
  held_.insert(held_.end(), head.begin(), head.end());
  coding::Reader in(held_, version_.integers);
  auto start = read(in);
  if (start) {
    rest_ = bytes.slice(held_.size() - in.remaining() - had);
    return *std::move(start);
  }
  const bool more = start.error().is(CodingError::short_buffer) && !fin;
  if (!more) return fail(std::move(start).error());
  return std::nullopt;
}

}  // namespace moq::ietf
