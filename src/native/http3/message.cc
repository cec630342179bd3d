#include "native/http3/message.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "native/http3/codes.h"
#include "native/http3/structured.h"

namespace moq::native::http3 {
namespace {

constexpr std::array<std::string_view, 5> kConnectionSpecific{
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};

tl::unexpected<Error> malformed(std::string why) {
  return fail(Http3Error::message_error, std::move(why));
}

bool is_name(std::string_view name) {
  // Tokens (RFC 9110 §5.6.2) in lower case, and pseudo-headers.
  static constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  if (name.starts_with(':')) name.remove_prefix(1);
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool is_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return c == '\0' || c == '\r' || c == '\n'; });
}

/// RFC 3986 §2: all else is percent-encoded. What has this form may stand in a log.
bool is_uri_part(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

/// Fields of a message whose form is right (RFC 9114 §4.2 and §4.3).
class Message {
 public:
  static Result<Message> read(const std::vector<Field>& fields,
                              std::initializer_list<std::string_view> pseudo) {
    Message message(fields);
    bool regular = false;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto& [name, value] = fields[i];
      if (!is_name(name) || !is_value(value)) return malformed("a field that HTTP does not allow");
      if (name.front() != ':') {
        regular = true;
        if (std::ranges::find(kConnectionSpecific, name) != kConnectionSpecific.end()) {
          return malformed("a field of HTTP/1");
        }
        continue;
      }
      if (regular) return malformed("a pseudo-header behind other fields");
      if (std::ranges::find(pseudo, name) == pseudo.end()) {
        return malformed("an unknown pseudo-header");
      }
      for (std::size_t j = 0; j < i; ++j) {
        if (fields[j].name == name) return malformed("a pseudo-header that occurs twice");
      }
    }
    return message;
  }

  [[nodiscard]] bool has(std::string_view name) const {
    return std::ranges::find(*fields_, name, &Field::name) != fields_->end();
  }
  /// The values of that name, joined with commas (RFC 9110 §5.3).
  [[nodiscard]] std::string get(std::string_view name) const {
    std::string out;
    for (const Field& field : *fields_) {
      if (field.name != name) continue;
      if (!out.empty()) out += ", ";
      out += field.value;
    }
    return out;
  }

 private:
  explicit Message(const std::vector<Field>& fields) : fields_(&fields) {}
  const std::vector<Field>* fields_;
};

}  // namespace

Result<Request> parse_request(const std::vector<Field>& fields) {
  MOQ_TRY(const Message message,
          Message::read(fields, {":method", ":scheme", ":authority", ":path", ":protocol"}));
  Request request;
  request.method = message.get(":method");
  request.protocol = message.get(":protocol");
  if (request.method.empty()) return malformed("a request without a method");
  const bool plain_connect = request.method == "CONNECT" && !message.has(":protocol");
  if (message.has(":protocol") && request.method != "CONNECT") {
    return malformed("a :protocol without CONNECT");
  }
  if (plain_connect) {
    if (message.has(":scheme") || message.has(":path") || !message.has(":authority")) {
      return malformed("a CONNECT that has more than an authority");
    }
    return request;
  }
  if (message.get(":scheme").empty() || message.get(":path").empty()) {
    return malformed("a request without a scheme or path");
  }
  if (!request.is_webtransport()) return request;
  ConnectRequest& connect = request.connect;
  connect.authority = message.get(":authority");
  connect.path = message.get(":path");
  connect.origin = message.get("origin");
  if (message.get(":scheme") != "https") return malformed("WebTransport needs https");
  if (connect.authority.empty()) return malformed("a CONNECT without an authority");
  if (!is_uri_part(connect.authority) || !is_uri_part(connect.path)) {
    return malformed("an authority or path that is part of no URI");
  }
  if (!connect.path.starts_with('/')) return malformed("a path that does not begin with '/'");
  // A list that cannot be read is as none (RFC 9651 §4.2).
  if (auto list = parse_string_list(message.get("wt-available-protocols"))) {
    connect.protocols = *std::move(list);
  }
  return request;
}

Result<Response> parse_response(const std::vector<Field>& fields) {
  MOQ_TRY(const Message message, Message::read(fields, {":status"}));
  const std::string status = message.get(":status");
  if (status.size() != 3 ||
      !std::ranges::all_of(status, [](char c) { return c >= '0' && c <= '9'; })) {
    return malformed("a response without a status");
  }
  return Response{.status = std::stoi(status),
                  .protocol = parse_string_item(message.get("wt-protocol"))};
}

std::vector<Field> request_fields(const ConnectRequest& request) {
  std::vector<Field> fields{{":method", "CONNECT"},
                            {":scheme", "https"},
                            {":authority", request.authority},
                            {":path", request.path},
                            {":protocol", "webtransport"},
                            {"sec-webtransport-http3-draft02", "1"}};
  if (!request.origin.empty()) fields.push_back({"origin", request.origin});
  if (!request.protocols.empty()) {
    fields.push_back({"wt-available-protocols", quote_list(request.protocols)});
  }
  return fields;
}

std::vector<Field> response_fields(const Response& response) {
  std::vector<Field> fields{{":status", std::to_string(response.status)}};
  if (response.status / 100 != 2) return fields;
  fields.push_back({"sec-webtransport-http3-draft", "draft02"});
  if (!response.protocol.empty()) {
    fields.push_back({"wt-protocol", quote_string(response.protocol)});
  }
  return fields;
}

}  // namespace moq::native::http3
