#include "native/http3/settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "native/http3/codes.h"
#include "net/coding/reader.h"
#include "net/coding/writer.h"

namespace moq::native::http3 {
namespace {

/// What a setting other than 0 says.
struct Row {
  SettingId id;
  bool Settings::*meaning;
  bool boolean;  ///< only 0 and 1 are allowed
};
constexpr std::array<Row, 7> kRows{{
    {SettingId::enable_connect_protocol, &Settings::connect_protocol, true},
    {SettingId::h3_datagram, &Settings::datagrams, true},
    {SettingId::h3_datagram_draft04, &Settings::datagrams, true},
    {SettingId::enable_webtransport_draft02, &Settings::webtransport, true},
    {SettingId::webtransport_max_sessions_draft07, &Settings::webtransport, false},
    {SettingId::webtransport_max_sessions_draft13, &Settings::webtransport, false},
    {SettingId::webtransport_enabled_draft15, &Settings::webtransport, false},
}};

// RFC 9114 §7.2.4.1: HTTP/2's settings that have no counterpart.
bool is_reserved(std::uint64_t id) { return id >= 0x2 && id <= 0x5; }

}  // namespace

std::vector<std::uint8_t> encode_settings(const Limits& limits) {
  std::vector<std::uint8_t> out;
  coding::Writer writer(out);
  writer.varint(static_cast<std::uint64_t>(SettingId::qpack_max_table_capacity));
  writer.varint(0);
  writer.varint(static_cast<std::uint64_t>(SettingId::max_field_section_size));
  writer.varint(limits.max_field_section);
  for (const Row& row : kRows) {
    writer.varint(static_cast<std::uint64_t>(row.id));
    writer.varint(1);
  }
  return out;
}

Result<Settings> decode_settings(ByteSpan payload, const Limits& limits) {
  Settings settings;
  std::vector<std::uint64_t> seen;
  coding::Reader reader(payload);
  while (reader.remaining() > 0) {
    const auto id = reader.varint();
    const auto value = id ? reader.varint() : id;
    if (!value) return fail(Http3Error::frame_error, "SETTINGS end inside a setting");
    if (is_reserved(*id)) return fail(Http3Error::settings_error, "a setting of HTTP/2");
    if (std::ranges::find(seen, *id) != seen.end()) {
      return fail(Http3Error::settings_error, "a setting occurs twice");
    }
    if (seen.size() >= limits.max_settings) {
      return fail(Http3Error::excessive_load, "too many settings");
    }
    seen.push_back(*id);
    const auto* const row = std::ranges::find(kRows, static_cast<SettingId>(*id), &Row::id);
    if (row == kRows.end()) continue;
    if (row->boolean && *value > 1) {
      return fail(Http3Error::settings_error, "a setting has to be 0 or 1");
    }
    if (*value != 0) settings.*(row->meaning) = true;
  }
  return settings;
}

}  // namespace moq::native::http3
