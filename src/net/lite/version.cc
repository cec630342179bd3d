#include "net/lite/version.h"

#include <algorithm>
#include <array>

#include "net/lite/frame.h"

namespace moq::lite {

namespace {

constexpr SubscribeResponses kUntyped{
    .typed = false, .ok_has_properties = true, .ok = 0, .end = {}, .drop = {}};
constexpr SubscribeResponses kOkAndDrop{
    .typed = true, .ok_has_properties = true, .ok = 0, .end = {}, .drop = 1};
constexpr SubscribeResponses kStartEndAndDrop{
    .typed = true, .ok_has_properties = false, .ok = 0, .end = 1, .drop = 2};

constexpr std::array<VersionInfo, 5> kVersions{{
    {
        .version = Version::lite01,
        .name = "moq-lite-01",
        .alpn = "moql",
        .code = 0xff0dad01,
        .has_session_stream = true,
        .has_setup_stream = false,
        .has_announce_init = true,
        .has_announce_ok = false,
        .has_restart = false,
        .hops = HopForm::none,
        .self_in_hops = false,
        .has_exclude_hop = false,
        .has_subscribe_options = false,
        .has_track_stream = false,
        .has_fetch = false,
        .has_timestamps = false,
        .has_datagrams = false,
        .has_probe = false,
        .has_probe_rtt = false,
        .has_goaway = false,
        .responses = kUntyped,
        .wire_form = kWireFormLite04,
        .encode_frame_header = encode_frame_lite04,
    },
    {
        .version = Version::lite02,
        .name = "moq-lite-02",
        .alpn = "moql",
        .code = 0xff0dad02,
        .has_session_stream = true,
        .has_setup_stream = false,
        .has_announce_init = true,
        .has_announce_ok = false,
        .has_restart = false,
        .hops = HopForm::none,
        .self_in_hops = false,
        .has_exclude_hop = false,
        .has_subscribe_options = false,
        .has_track_stream = false,
        .has_fetch = false,
        .has_timestamps = false,
        .has_datagrams = false,
        .has_probe = false,
        .has_probe_rtt = false,
        .has_goaway = false,
        .responses = kUntyped,
        .wire_form = kWireFormLite04,
        .encode_frame_header = encode_frame_lite04,
    },
    {
        .version = Version::lite03,
        .name = "moq-lite-03",
        .alpn = "moq-lite-03",
        .code = 0xff0dad03,
        .has_session_stream = false,
        .has_setup_stream = false,
        .has_announce_init = false,
        .has_announce_ok = false,
        .has_restart = false,
        .hops = HopForm::count,
        .self_in_hops = true,
        .has_exclude_hop = false,
        .has_subscribe_options = true,
        .has_track_stream = false,
        .has_fetch = false,
        .has_timestamps = false,
        .has_datagrams = false,
        .has_probe = true,
        .has_probe_rtt = false,
        .has_goaway = false,
        .responses = kOkAndDrop,
        .wire_form = kWireFormLite04,
        .encode_frame_header = encode_frame_lite04,
    },
    {
        .version = Version::lite04,
        .name = "moq-lite-04",
        .alpn = "moq-lite-04",
        .code = 0xff0dad04,
        .has_session_stream = false,
        .has_setup_stream = false,
        .has_announce_init = false,
        .has_announce_ok = false,
        .has_restart = false,
        .hops = HopForm::ids,
        .self_in_hops = true,
        .has_exclude_hop = true,
        .has_subscribe_options = true,
        .has_track_stream = false,
        .has_fetch = false,
        .has_timestamps = false,
        .has_datagrams = false,
        .has_probe = true,
        .has_probe_rtt = true,
        .has_goaway = true,
        .responses = kOkAndDrop,
        .wire_form = kWireFormLite04,
        .encode_frame_header = encode_frame_lite04,
    },
    {
        .version = Version::lite05,
        .name = "moq-lite-05",
        .alpn = "moq-lite-05",
        .code = 0xff0dad05,
        .has_session_stream = false,
        .has_setup_stream = true,
        .has_announce_init = false,
        .has_announce_ok = true,
        .has_restart = true,
        .hops = HopForm::ids,
        .self_in_hops = false,
        .has_exclude_hop = true,
        .has_subscribe_options = true,
        .has_track_stream = true,
        .has_fetch = true,
        .has_timestamps = true,
        .has_datagrams = true,
        .has_probe = true,
        .has_probe_rtt = true,
        .has_goaway = true,
        .responses = kStartEndAndDrop,
        .wire_form = kWireFormLite05,
        .encode_frame_header = encode_frame_lite05,
    },
}};

}  // namespace

std::span<const VersionInfo> versions() { return kVersions; }

const VersionInfo& version_info(Version version) {
  return kVersions.at(ordinal(version) - ordinal(Version::lite01));
}

const VersionInfo* find_by_name(std::string_view name) {
  const auto* row = std::ranges::find(kVersions, name, &VersionInfo::name);
  return row == kVersions.end() ? nullptr : row;
}

}  // namespace moq::lite
