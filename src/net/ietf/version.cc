#include "net/ietf/version.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "net/ietf/subgroup.h"
#include "net/ietf/version_tables.h"

namespace moq::ietf {

namespace {

/// Object Status as bits of ObjectRules.
constexpr std::uint8_t kNormal = 1 << 0;
constexpr std::uint8_t kDoesNotExist = 1 << 1;
constexpr std::uint8_t kEndOfGroup = 1 << 3;
constexpr std::uint8_t kEndOfTrack = 1 << 4;

constexpr std::array<VersionInfo, 2> kVersions{{
    {
        .version = Version::draft14,
        .name = "moq-transport-14",
        .alpn = "moq-00",
        .code = 0xff00000e,
        .integers = coding::IntegerForm::quic,
        .requests = RequestCarrier::control_stream,
        .setup = SetupForm::client_and_server,
        .has_max_request_id = true,
        .responses_have_request_id = true,
        .updates_are_answered = false,
        .has_request_updates = false,
        .has_cancel_messages = true,
        .has_subscribe_tracks = false,
        .has_goaway_timeout = false,
        .has_goaway_request_id = false,
        .has_retry_interval = false,
        .has_redirect = false,
        .has_duplicate_subscription = false,
        .has_reserved_namespaces = false,
        .joins_largest_only = true,
        .empty_fetch_is_error = true,
        .has_track_properties = false,
        .has_mandatory_properties = false,
        .has_padding = false,
        .setup_alias_error = SessionError::unknown_auth_token_alias,
        .setup_options = {.values = ValueForm::key_value,
                          .delta_types = false,
                          .counted = true,
                          .unknown = OnUnknown::ignore,
                          .misplaced = OnUnknown::ignore},
        .message_parameters = {.values = ValueForm::key_value,
                               .delta_types = false,
                               .counted = true,
                               .unknown = OnUnknown::ignore,
                               .misplaced = OnUnknown::ignore},
        .properties = {.form = property_form(coding::IntegerForm::quic),
                       .integers = coding::IntegerForm::quic,
                       .delta_types = false},
        .objects = {.subgroup_bits = 0x0f,
                    .datagram_bits = 0x07,
                    .datagram_status_bits = 0x01,
                    .statuses = kNormal | kDoesNotExist | kEndOfGroup | kEndOfTrack,
                    .statuses_with_properties = kNormal | kEndOfGroup | kEndOfTrack},
        .fetch =
            {.flags = false, .max_flags = 0, .deltas = false, .ranges = false, .statuses = true},
        .messages = tables::kMessages14,
        .parameter_ids = tables::kParameterIds14,
        .request_errors = tables::kRequestErrors14,
        .publish_done = tables::kPublishDone14,
        .stream_errors = tables::kStreamErrors14,
        .plain_objects = {kWireFormQuicPlain, encode_object_quic_plain},
        .objects_with_properties = {kWireFormQuicProperties, encode_object_quic_properties},
    },
    {
        .version = Version::draft18,
        .name = "moq-transport-18",
        .alpn = "moqt-18",
        .code = 0xff000012,
        .integers = coding::IntegerForm::vi64,
        .requests = RequestCarrier::request_streams,
        .setup = SetupForm::one_each,
        .has_max_request_id = false,
        .responses_have_request_id = false,
        .updates_are_answered = true,
        .has_request_updates = true,
        .has_cancel_messages = false,
        .has_subscribe_tracks = true,
        .has_goaway_timeout = true,
        .has_goaway_request_id = true,
        .has_retry_interval = true,
        .has_redirect = true,
        .has_duplicate_subscription = true,
        .has_reserved_namespaces = true,
        .joins_largest_only = false,
        .empty_fetch_is_error = false,
        .has_track_properties = true,
        .has_mandatory_properties = true,
        .has_padding = true,
        .setup_alias_error = SessionError::protocol_violation,
        .setup_options = {.values = ValueForm::key_value,
                          .delta_types = true,
                          .counted = false,
                          .unknown = OnUnknown::ignore,
                          .misplaced = OnUnknown::ignore},
        .message_parameters = {.values = ValueForm::typed,
                               .delta_types = true,
                               .counted = true,
                               .unknown = OnUnknown::violation,
                               .misplaced = OnUnknown::violation},
        .properties = {.form = property_form(coding::IntegerForm::vi64),
                       .integers = coding::IntegerForm::vi64,
                       .delta_types = true},
        .objects = {.subgroup_bits = 0x6f,
                    .datagram_bits = 0x0f,
                    .datagram_status_bits = 0x0d,
                    .statuses = kNormal | kEndOfGroup | kEndOfTrack,
                    .statuses_with_properties = kNormal},
        .fetch =
            {.flags = true, .max_flags = 0x7f, .deltas = true, .ranges = true, .statuses = false},
        .messages = tables::kMessages18,
        .parameter_ids = tables::kParameterIds18,
        .request_errors = tables::kRequestErrors18,
        .publish_done = tables::kPublishDone18,
        .stream_errors = tables::kStreamErrors18,
        .plain_objects = {kWireFormVi64Plain, encode_object_vi64_plain},
        .objects_with_properties = {kWireFormVi64Properties, encode_object_vi64_properties},
    },
}};

}  // namespace

std::span<const VersionInfo> versions() { return kVersions; }

const VersionInfo& version_info(Version version) {
  const auto* row = std::ranges::find(kVersions, version, &VersionInfo::version);
  if (row == kVersions.end()) {
    throw std::out_of_range("no table for draft " + std::to_string(ordinal(version)));
  }
  return *row;
}

std::optional<PropertyForm> find_property_form(std::uint8_t form) {
  for (const VersionInfo& version : versions()) {
    if (version.properties.form == form) return version.properties;
  }
  return std::nullopt;
}

const VersionInfo* find_by_name(std::string_view name) {
  const auto* row = std::ranges::find(kVersions, name, &VersionInfo::name);
  return row == kVersions.end() ? nullptr : row;
}

}  // namespace moq::ietf
