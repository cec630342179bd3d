#include "net/ietf/version.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace moq::ietf {
namespace {

using enum Version;

TEST(Versions, AreFoundByWhatNamesThem) {
  std::set<std::uint64_t> codes;
  std::set<std::string_view> tokens;
  for (const VersionInfo& row : versions()) {
    EXPECT_EQ(&version_info(row.version), &row);
    EXPECT_EQ(find_by_name(row.name), &row);
    EXPECT_TRUE(codes.insert(row.code).second);
    EXPECT_TRUE(tokens.insert(row.alpn).second);
    EXPECT_EQ(row.code, 0xff000000 + ordinal(row.version)) << "§Versions";
  }
  EXPECT_EQ(versions().size(), 2U);
  EXPECT_EQ(find_by_name("moq-transport-13"), nullptr);
  EXPECT_THROW((void)version_info(draft16), std::out_of_range);
}

// What one column implies of another, in every row.
TEST(Versions, AreConsistent) {
  for (const VersionInfo& row : versions()) {
    SCOPED_TRACE(row.name);
    const bool one_stream = row.requests == RequestCarrier::control_stream;
    EXPECT_LE(one_stream, row.responses_have_request_id) << "nothing else names the request";
    EXPECT_LE(one_stream, row.has_cancel_messages);
    EXPECT_EQ(row.has_max_request_id, one_stream) << "streams are limited by the transport";
    EXPECT_LE(row.has_goaway_request_id, row.has_goaway_timeout);
    EXPECT_LE(row.has_mandatory_properties, row.has_track_properties);
    EXPECT_EQ(row.message_parameters.values == ValueForm::typed,
              row.message_parameters.unknown == OnUnknown::violation)
        << "what has no length cannot be skipped";
    EXPECT_EQ(row.properties.integers, row.integers);
    EXPECT_LE(row.fetch.deltas, row.fetch.flags);
    EXPECT_LE(row.fetch.ranges, row.fetch.flags);
    EXPECT_EQ(row.objects.statuses | row.objects.statuses_with_properties, row.objects.statuses);
    EXPECT_NE(row.plain_objects.wire_form, row.objects_with_properties.wire_form);
    EXPECT_LT(row.objects_with_properties.wire_form, Subgroup::kMaxForms);
    EXPECT_TRUE(std::ranges::is_sorted(row.parameter_ids));
  }
}

TEST(MessageTypes, ArePlacedAsTheirCarrierSays) {
  for (const VersionInfo& row : versions()) {
    SCOPED_TRACE(row.name);
    std::set<std::pair<std::uint64_t, Place>> unique;
    for (const MessageType& message : row.messages) {
      if (row.requests == RequestCarrier::control_stream) {
        EXPECT_EQ(message.place, Place::control);
      }
      EXPECT_EQ(message.place == Place::follows_request && message.requests.empty(), false);
      // What may come without a request in question is told apart by its number alone.
      if (message.place != Place::follows_request) {
        EXPECT_TRUE(unique.insert({message.type, message.place}).second) << message.type;
        EXPECT_EQ(find_message(row.version, message.type, message.place), &message);
      }
      for (std::size_t i = 0; i < kMessageKinds; ++i) {
        const auto request = static_cast<MessageKind>(i);
        if (message.place != Place::follows_request || !message.requests.contains(request))
          continue;
        EXPECT_EQ(find_message(row.version, message.type, request), &message)
            << to_string(message.kind) << " to " << to_string(request);
      }
    }
  }
}

TEST(MessageTypes, MeanWhatTheRequestSays) {
  using enum MessageKind;
  const auto kind = [](std::uint64_t type, MessageKind request) {
    const auto* row = find_message(draft18, type, request);
    return row == nullptr ? std::nullopt : std::optional(row->kind);
  };
  EXPECT_EQ(kind(0x07, publish), publish_ok);
  EXPECT_EQ(kind(0x1e, publish), publish_ok) << "the number of the draft's table";
  EXPECT_EQ(kind(0x07, track_status), track_status_ok);
  EXPECT_EQ(kind(0x07, subscribe_tracks), request_ok);
  EXPECT_EQ(kind(0x07, request_update), request_update_ok);
  EXPECT_EQ(kind(0x07, subscribe), std::nullopt);
  EXPECT_EQ(kind(0x08, subscribe_namespace), namespace_added);
  EXPECT_EQ(kind(0x08, subscribe_tracks), std::nullopt);
  EXPECT_EQ(kind(0x02, track_status), std::nullopt) << "may not be updated";
  EXPECT_EQ(find_message(draft18, 0x10, Place::control)->kind, goaway);
  EXPECT_EQ(kind(0x10, fetch), request_goaway);
  EXPECT_EQ(type_of(draft18, publish_ok), 0x07U);
  EXPECT_EQ(type_of(draft14, request_error, fetch), 0x19U);
  EXPECT_EQ(type_of(draft14, request_error, track_status), 0x0fU);
  EXPECT_EQ(type_of(draft14, request_ok, subscribe_namespace), 0x12U);
  EXPECT_EQ(type_of(draft14, setup), std::nullopt);
  EXPECT_EQ(type_of(draft14, request_error), std::nullopt) << "whose?";
  EXPECT_EQ(type_of(draft14, request_ok, subscribe), std::nullopt);
  EXPECT_EQ(type_of(draft18, request_error), 0x05U);
}

TEST(MessageTypes, OthersAreUnknown) {
  // Reserved ones, and those of other drafts.
  for (const std::uint64_t type : {0x00, 0x01, 0x40, 0x41, 0x2f00, 0x50, 0x51, 0x3f}) {
    EXPECT_FALSE(knows_type(draft14, type)) << type;
  }
  for (const std::uint64_t type : {0x00, 0x01, 0x40, 0x41, 0x20, 0x21, 0x15, 0x1a, 0x0a, 0x1f, 0x19,
                                   0x17, 0x09, 0x0c, 0x11, 0x12, 0x13, 0x14}) {
    EXPECT_FALSE(knows_type(draft18, type)) << type;
  }
  EXPECT_EQ(find_message(draft18, 0x04, Place::opens_request), nullptr);
}

TEST(ErrorCodes, AreThoseOfTheDraft) {
  using enum MessageKind;
  using enum RequestErrorCode;
  EXPECT_EQ(wire_code(draft14, subscribe, does_not_exist), 0x4U);
  EXPECT_EQ(wire_code(draft14, fetch, invalid_joining_request_id), 0x7U);
  EXPECT_EQ(wire_code(draft14, subscribe_namespace, prefix_overlap), 0x5U);
  EXPECT_EQ(wire_code(draft14, publish, uninterested), 0x4U);
  EXPECT_EQ(wire_code(draft14, track_status, expired_auth_token), 0x12U);
  EXPECT_EQ(wire_code(draft18, subscribe, does_not_exist), 0x10U);
  EXPECT_EQ(wire_code(draft18, request_update, RequestErrorCode::internal), 0x0U);
  EXPECT_EQ(request_error_code(draft14, subscribe_namespace, 0x5), prefix_overlap);
  EXPECT_EQ(request_error_code(draft14, subscribe, 0x5), invalid_range);
  EXPECT_EQ(request_error_code(draft18, subscribe, 0x5), expired_auth_token);
  EXPECT_EQ(wire_code(draft14, PublishDoneCode::expired), 0x5U);
  EXPECT_EQ(wire_code(draft18, PublishDoneCode::expired), 0x6U);
  EXPECT_EQ(wire_code(draft14, PublishDoneCode::too_far_behind), 0x6U);
  EXPECT_EQ(wire_code(draft14, PublishDoneCode::malformed_track), 0x7U);
  EXPECT_EQ(wire_code(draft18, PublishDoneCode::malformed_track), 0x12U);
  EXPECT_EQ(publish_done_code(draft14, 0x5), PublishDoneCode::expired);
  EXPECT_EQ(publish_done_code(draft18, 0x5), PublishDoneCode::too_far_behind);
  EXPECT_EQ(wire_code(draft18, StreamError::unknown_object_status), 0x6U);
  EXPECT_EQ(stream_error(draft18, 0x12), StreamError::malformed_track);
}

TEST(ErrorCodes, ComeNearWhereTheDraftHasNone) {
  using enum MessageKind;
  using enum RequestErrorCode;
  EXPECT_EQ(wire_code(draft14, subscribe, going_away), 0x0U);
  EXPECT_EQ(wire_code(draft14, subscribe, uninterested), 0x3U);
  EXPECT_EQ(wire_code(draft14, publish, malformed_auth_token), 0x1U);
  EXPECT_EQ(wire_code(draft14, fetch, redirect), 0x4U);
  EXPECT_EQ(wire_code(draft18, fetch, no_objects), 0x11U);
  EXPECT_EQ(wire_code(draft18, fetch, unknown_status_in_range), 0x0U);
  EXPECT_EQ(wire_code(draft14, PublishDoneCode::update_failed), 0x0U);
  EXPECT_EQ(wire_code(draft14, StreamError::too_far_behind), 0x1U) << "CANCELLED";
  EXPECT_EQ(wire_code(draft14, StreamError::malformed_track), 0x0U);
}

TEST(ErrorCodes, ThatAreUnknownAreInternalErrors) {
  for (const std::uint64_t code : {0x9d, 0x11c, 404}) {
    EXPECT_EQ(request_error_code(draft18, MessageKind::fetch, code), RequestErrorCode::internal);
    EXPECT_EQ(publish_done_code(draft18, code), PublishDoneCode::internal);
    EXPECT_EQ(stream_error(draft18, code), StreamError::internal);
  }
}

TEST(ErrorCodes, HaveTheDraftsNames) {
  EXPECT_EQ(Error(SessionError::goaway_timeout).message(), "MoQ session: GOAWAY_TIMEOUT (0x10)");
  EXPECT_EQ(error_domain(SessionError{}).describe(0x1b), "unknown");
  for (const VersionInfo& row : versions()) {
    for (const RequestErrorTable& table : row.request_errors) {
      for (const RequestErrorRow& error : table.rows) {
        EXPECT_NE(error_domain(error.error).describe(static_cast<std::uint64_t>(error.error)),
                  "unknown");
      }
    }
    for (const auto& done : row.publish_done) {
      EXPECT_NE(error_domain(done.status).describe(static_cast<std::uint64_t>(done.status)),
                "unknown");
    }
    for (const auto& stream : row.stream_errors) {
      EXPECT_NE(error_domain(stream.error).describe(static_cast<std::uint64_t>(stream.error)),
                "unknown");
    }
  }
  EXPECT_TRUE(
      to_session_error(SessionError::key_value_formatting).is(SessionError::key_value_formatting));
}

}  // namespace
}  // namespace moq::ietf
