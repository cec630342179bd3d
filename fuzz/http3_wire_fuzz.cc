// Any bytes as what HTTP/3 reads: a stream's frames, a CONNECT stream's capsules,
// SETTINGS, a field section, and the messages and lists in it. However frames and
// capsules are cut, the same is heard, and then the same error; what is read can be
// written, and is then read as the same; nothing is larger than its limit.

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "native/http3/capsule.h"
#include "native/http3/codes.h"
#include "native/http3/frame.h"
#include "native/http3/message.h"
#include "native/http3/qpack.h"
#include "native/http3/settings.h"
#include "native/http3/structured.h"
#include "net/coding/utf8.h"

namespace {

using moq::ByteSpan;
using moq::Error;
using moq::Result;
using moq::fuzz::Input;
using moq::fuzz::require;
using namespace moq::native::http3;

// Small, so that inputs reach them.
constexpr Limits kLimits{
    .max_field_section = 512, .max_fields = 8, .max_control_frame = 64, .max_settings = 6};

/// What was heard, a line each; parts of one frame are one.
struct Heard {
  std::vector<std::string> lines;
  std::optional<Error> error;
  friend bool operator==(const Heard&, const Heard&) = default;
};

/// Takes frames in the way that their type says: whole, in parts, or not at all.
struct Frames final : FrameParser::Handler {
  Result<FrameParser::Take> on_frame(std::uint64_t type, std::uint64_t size) override {
    heard.lines.push_back("frame " + std::to_string(type) + " " + std::to_string(size));
    if (is_reserved_frame(type)) return moq::fail(Http3Error::frame_unexpected, "reserved");
    if (type % 3 == 2) return FrameParser::Take::skip;
    if (type % 3 == 0) {
      heard.lines.emplace_back("parts ");
      return FrameParser::Take::parts;
    }
    if (size > kLimits.max_control_frame) return moq::fail(Http3Error::excessive_load, "large");
    return FrameParser::Take::whole;
  }
  Result<void> on_whole_frame(std::uint64_t type, ByteSpan payload) override {
    require(payload.size() <= kLimits.max_control_frame, "no frame is held beyond the limit");
    heard.lines.push_back("whole " + std::to_string(type) + " " +
                          std::string(moq::as_text(payload)));
    if (type == kStop) parser->stop();
    return {};
  }
  Result<void> on_frame_part(ByteSpan part) override {
    require(!part.empty(), "a part has bytes");
    heard.lines.back() += moq::as_text(part);
    return {};
  }
  static constexpr std::uint64_t kStop = 7;
  FrameParser* parser = nullptr;
  Heard heard;
};

struct Capsules final : CapsuleParser::Handler {
  void on_close_capsule(std::uint32_t code, std::string reason) override {
    require(!closed, "a session is closed once");
    require(reason.size() <= kMaxCloseReason, "a reason has a limit");
    require(moq::coding::is_utf8(reason), "a reason is UTF-8");
    closed = true;
    heard.lines.push_back("close " + std::to_string(code) + " " + reason);
    std::vector<std::uint8_t> again;
    append_close_capsule(again, code, reason);
    if (nested) return;
    Capsules same;
    same.nested = true;
    CapsuleParser parser;
    require(parser.feed(again, same).has_value() && parser.finish().has_value(),
            "our capsule can be read");
    require(same.heard.lines.back() == heard.lines.back(), "and says the same");
  }
  void on_drain_capsule() override {
    require(!closed, "nothing is heard behind the end");
    heard.lines.emplace_back("drain");
  }
  bool closed = false;
  bool nested = false;
  Heard heard;
};

/// Feeds a parser in steps, and ends the stream.
template <typename Parser, typename Handler>
void feed(Parser& parser, Handler& handler, ByteSpan bytes, std::size_t step) {
  while (!bytes.empty()) {
    const ByteSpan part = bytes.first(std::min(step, bytes.size()));
    bytes = bytes.subspan(part.size());
    // A copy of its size, so that the sanitizer sees what is read beyond it, or later.
    const std::vector<std::uint8_t> exact(part.begin(), part.end());
    if (const auto done = parser.feed(exact, handler); !done) {
      handler.heard.error = done.error();
      return;
    }
  }
  if (const auto done = parser.finish(); !done) handler.heard.error = done.error();
}

Heard read_frames(ByteSpan bytes, std::size_t step) {
  FrameParser parser;
  Frames handler;
  handler.parser = &parser;
  feed(parser, handler, bytes, step);
  return handler.heard;
}

Heard read_capsules(ByteSpan bytes, std::size_t step) {
  CapsuleParser parser;
  Capsules handler;
  feed(parser, handler, bytes, step);
  return handler.heard;
}

void check_cuts(Heard (*read)(ByteSpan, std::size_t), Input& input) {
  const std::size_t step = 1 + input.choose(64);
  const Heard whole = read(input.rest(), input.rest().size() + 1);
  require(whole == read(input.rest(), step), "cutting changes nothing that is heard");
  if (whole.error) require(!whole.error->message().empty(), "an error says what it is");
}

void check_settings(ByteSpan payload) {
  const auto settings = decode_settings(payload, kLimits);
  if (settings) require(payload.size() <= kLimits.max_settings * 16, "settings have a limit");
}

void check_message(const std::vector<Field>& fields) {
  if (const auto request = parse_request(fields)) {
    if (!request->is_webtransport()) return;
    const ConnectRequest& connect = request->connect;
    require(connect.path.starts_with('/'), "a path begins with a slash");
    require(!connect.authority.empty(), "a request has an authority");
    const auto again = parse_request(request_fields(connect));
    require(again.has_value(), "what is read can be asked for");
    require(again->connect.path == connect.path && again->connect.origin == connect.origin &&
                again->connect.authority == connect.authority &&
                again->connect.protocols == connect.protocols,
            "and is the same request");
  }
  if (const auto response = parse_response(fields)) {
    require(response->status >= 0 && response->status <= 999, "a status has three digits");
    if (response->status / 100 != 2) return;
    const auto again = parse_response(response_fields(*response));
    require(again && again->status == response->status && again->protocol == response->protocol,
            "what is read can be answered");
  }
}

void check_section(ByteSpan section) {
  Qpack qpack;
  const auto fields = qpack.decode(0, section, kLimits);
  if (!fields) {
    require(!fields.error().message().empty(), "an error says what it is");
    return;
  }
  require(fields->size() <= kLimits.max_fields, "fields have a limit");
  std::size_t size = 0;
  for (const Field& field : *fields) size += field.name.size() + field.value.size() + 32;
  require(size <= kLimits.max_field_section, "a section has a limit");
  const auto again = qpack.decode(4, qpack.encode(4, *fields), kLimits);
  require(again && *again == *fields, "what is decoded is encoded as the same");
  check_message(*fields);
}

/// QPACK's own streams, cut like any other, and a section behind them.
void check_qpack_streams(Input& input) {
  const std::size_t step = 1 + input.choose(8);
  Qpack qpack;
  bool broken = false;
  for (ByteSpan rest = input.rest(); !rest.empty() && !broken;) {
    const ByteSpan part = rest.first(std::min(step, rest.size()));
    rest = rest.subspan(part.size());
    const std::vector<std::uint8_t> exact(part.begin(), part.end());
    broken = !qpack.on_encoder_stream(exact).has_value();
  }
  if (!broken) broken = !qpack.on_decoder_stream(input.rest()).has_value();
  if (broken) return;
  const std::vector<Field> fields{{":method", "GET"}, {"x", "y"}};
  const auto again = qpack.decode(0, qpack.encode(0, fields), kLimits);
  require(again && *again == fields, "a stream without instructions changes no section");
}

/// A message of fields that need no QPACK to be guessed: name NUL value NUL ...
void check_fields(ByteSpan bytes) {
  static constexpr std::array<const char*, 12> kNames{":method",
                                                      ":scheme",
                                                      ":authority",
                                                      ":path",
                                                      ":protocol",
                                                      ":status",
                                                      "wt-available-protocols",
                                                      "wt-protocol",
                                                      "origin",
                                                      "connection",
                                                      "x-other",
                                                      "Upper"};
  std::vector<Field> fields;
  Input input(bytes.data(), bytes.size());
  while (!input.rest().empty() && fields.size() < kLimits.max_fields) {
    std::string name = kNames.at(input.choose(kNames.size()));
    const std::size_t wanted = input.choose(64);
    const std::size_t size = std::min(wanted, input.rest().size());
    std::string value(moq::as_text(input.rest().first(size)));
    for (std::size_t i = 0; i < size; ++i) input.choose(1);
    fields.push_back({.name = std::move(name), .value = std::move(value)});
  }
  check_message(fields);
}

void check_lists(ByteSpan bytes) {
  const std::string_view text = moq::as_text(bytes);
  if (const auto list = parse_string_list(text)) {
    require(list->size() <= 64, "a list has a limit");
    const auto again = parse_string_list(quote_list(*list));
    require(again && *again == *list, "a list that is written is the same");
  }
  const std::string item = parse_string_item(text);
  require(parse_string_item(quote_string(item)) == item, "an item that is written is the same");
}

void check_codes(ByteSpan bytes) {
  std::uint64_t code = 0;
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(8, bytes.size()))) {
    code = code << 8 | byte;
  }
  const auto application = from_http3(code);
  if (application) {
    require(*application <= std::numeric_limits<std::uint32_t>::max(), "a code has 32 bits");
    require(to_http3(*application) == code, "a code is mapped back");
  }
  require(from_http3(to_http3(code)) ==
              std::min<std::uint64_t>(code, std::numeric_limits<std::uint32_t>::max()),
          "every code of an application can be sent");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  switch (input.choose(8)) {
    case 0:
      check_cuts(read_frames, input);
      break;
    case 1:
      check_cuts(read_capsules, input);
      break;
    case 2:
      check_settings(input.rest());
      break;
    case 3:
      check_section(input.rest());
      break;
    case 4:
      check_qpack_streams(input);
      break;
    case 5:
      check_fields(input.rest());
      break;
    case 6:
      check_lists(input.rest());
      break;
    default:
      check_codes(input.rest());
      break;
  }
  return 0;
}
