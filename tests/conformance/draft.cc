#include "conformance/draft.h"

#include <algorithm>
#include <array>

namespace moq::conformance {

namespace {

constexpr std::uint64_t kStandalone = 0x1;

/// Draft 14: one control stream, numbers in fields, answers that name their request.
class Draft14 final : public Draft {
 public:
  Draft14() : Draft(14, "moq-00", Integers::quic) {}

  Buffer setup(const Fields& options) const override {
    constexpr std::uint64_t kVersion = 0xff00000e;
    return message(setup_type(),
                   writer().integer(1).integer(kVersion).bytes(counted(options)).take());
  }

  std::optional<Fields> parse_setup(ByteSpan body) const override {
    Reader in = reader(body);
    if (!in.integer() || !in.integer()) return std::nullopt;
    return parse_pairs(in.rest());
  }

  Buffer subscribe_body(const Subscribe& message) const override {
    const Filter filter = message.filter.value_or(Filter{});
    Writer out = writer();
    out.integer(message.id).names(message.track.space).text(message.track.name);
    out.byte(128).byte(message.group_order.value_or(1)).byte(message.forward.value_or(1));
    out.integer(filter.type);
    if (filter.type == Filter::kAbsoluteStart || filter.type == Filter::kAbsoluteRange) {
      out.integer(filter.start.group).integer(filter.start.object);
    }
    if (filter.type == Filter::kAbsoluteRange) out.integer(filter.end_group);
    return out.bytes(counted(message.parameters)).take();
  }

  Buffer subscribe_ok(std::uint64_t id, std::uint64_t alias, const Fields& track_properties,
                      std::optional<Location> largest) const override {
    // Expires never, ascending. The draft has parameters, and no properties of tracks.
    Writer out = writer();
    out.integer(id).integer(alias).integer(0).byte(1).byte(largest ? 1 : 0);
    if (largest) out.integer(largest->group).integer(largest->object);
    return message(type::kSubscribeOk, out.bytes(counted(track_properties)).take());
  }

  Buffer request_error(std::uint64_t id, std::uint64_t code,
                       std::string_view reason) const override {
    return message(type::kSubscribeError, writer().integer(id).integer(code).text(reason).take());
  }

  Buffer publish_done(std::uint64_t id, std::uint64_t code, std::uint64_t streams) const override {
    return message(type::kPublishDone,
                   writer().integer(id).integer(code).integer(streams).text("").take());
  }

  Buffer fetch(const Fetch& message) const override {
    Writer out = writer();
    out.integer(message.id).byte(128).byte(message.group_order.value_or(group_order::kAscending));
    out.integer(message.fetch_type);
    out.names(message.track.space).text(message.track.name);
    out.integer(message.start.group).integer(message.start.object);
    out.integer(message.end.group).integer(message.end.object);
    return this->message(type::kFetch, out.bytes(counted(message.parameters)).take());
  }

  Buffer joining_fetch(std::uint64_t id, std::uint64_t fetch_type, std::uint64_t subscription,
                       std::uint64_t start) const override {
    Writer out = writer();
    out.integer(id).byte(128).byte(group_order::kAscending).integer(fetch_type);
    return message(type::kFetch, out.integer(subscription).integer(start).integer(0).take());
  }

  std::optional<Fetch> parse_fetch(ByteSpan body) const override {
    Reader in = reader(body);
    // Priority, Group Order.
    if (!in.byte() || !in.byte() || in.integer() != kStandalone) return std::nullopt;
    return parse_range(in);
  }

  Buffer fetch_error(std::uint64_t id, std::uint64_t code, std::string_view reason) const override {
    return message(kFetchError, writer().integer(id).integer(code).text(reason).take());
  }

  Buffer fetch_ok(std::uint64_t id, const Location& end) const override {
    Writer out = writer();
    out.integer(id).byte(1).byte(0).integer(end.group).integer(end.object).integer(0);
    return message(type::kFetchOk, out.take());
  }

  Buffer publish(std::uint64_t id, const TrackName& track, std::uint64_t alias) const override {
    // Ascending, nothing published yet, forwarding.
    Writer out = writer();
    out.integer(id).names(track.space).text(track.name).integer(alias);
    return message(type::kPublish, out.byte(1).byte(0).byte(1).integer(0).take());
  }

  std::optional<Published> parse_publish(ByteSpan body) const override {
    Reader in = reader(body);
    auto space = in.names();
    auto name = in.text();
    const auto alias = in.integer();
    if (!space || !name || !alias) return std::nullopt;
    Published found{.track = {*std::move(space), *std::move(name)}, .alias = *alias};
    if (!in.byte() || !read_largest(in, found)) return std::nullopt;
    const auto forward = in.byte();
    if (!forward || *forward > 1 || !in.integer()) return std::nullopt;
    found.forward = *forward == 1;
    return found;
  }

  std::optional<Published> parse_subscribe_ok(ByteSpan body) const override {
    Reader in = reader(body);
    const auto alias = in.integer();
    Published found{.alias = alias.value_or(0)};
    // Expires, Group Order.
    if (!alias || !in.integer() || !in.byte() || !read_largest(in, found)) return std::nullopt;
    return found;
  }

  Buffer publish_ok(std::uint64_t id, std::optional<std::uint8_t> forward) const override {
    // Ascending, from behind the Largest Object on.
    Writer out = writer();
    out.integer(id).byte(forward.value_or(1)).byte(128).byte(1);
    return message(kPublishOk, out.integer(Filter::kLargestObject).integer(0).take());
  }

  Buffer publish_error(std::uint64_t id, std::uint64_t code,
                       std::string_view reason) const override {
    return message(kPublishError, writer().integer(id).integer(code).text(reason).take());
  }

  Buffer update_forward(std::uint64_t id, std::uint64_t of, std::uint8_t forward) const override {
    // From the start, without an end.
    Writer out = writer();
    out.integer(id).integer(of).integer(0).integer(0).integer(0);
    return message(type::kUpdate, out.byte(128).byte(forward).integer(0).take());
  }

  Buffer goaway(std::string_view uri, std::uint64_t /*request_id*/) const override {
    return message(type::kGoaway, writer().text(uri).take());
  }

 private:
  static constexpr std::uint64_t kFetchError = 0x19;
  static constexpr std::uint64_t kPublishOk = 0x1e;
  static constexpr std::uint64_t kPublishError = 0x1f;

  /// Content Exists, and what follows it.
  static bool read_largest(Reader& in, Published& found) {
    const auto exists = in.byte();
    if (!exists || *exists > 1) return false;
    if (*exists == 0) return true;
    const auto group = in.integer();
    const auto object = in.integer();
    if (!group || !object) return false;
    found.largest = Location{*group, *object};
    return true;
  }
};

/// Draft 18: a stream for each request, numbers in parameters.
class Draft18 final : public Draft {
 public:
  Draft18() : Draft(18, "moqt-18", Integers::vi64) {}

  Buffer setup(const Fields& options) const override {
    return message(setup_type(), pairs(options));
  }
  std::optional<Fields> parse_setup(ByteSpan body) const override { return parse_pairs(body); }

  Buffer subscribe_body(const Subscribe& message) const override {
    Fields all = message.parameters;
    if (message.forward) all.push_back(byte_field(id::kForward, *message.forward));
    if (message.group_order) all.push_back(byte_field(id::kGroupOrder, *message.group_order));
    if (message.filter) {
      const Filter& filter = *message.filter;
      Writer value = writer();
      value.integer(filter.type);
      if (filter.type == Filter::kAbsoluteStart || filter.type == Filter::kAbsoluteRange) {
        value.integer(filter.start.group).integer(filter.start.object);
      }
      // The difference from the start's.
      if (filter.type == Filter::kAbsoluteRange) {
        value.integer(filter.end_group - filter.start.group);
      }
      all.push_back(bytes_field(id::kFilter, value.data()));
    }
    Writer out = writer();
    out.integer(message.id).names(message.track.space).text(message.track.name);
    return out.bytes(counted(all)).take();
  }

  Buffer subscribe_ok(std::uint64_t /*id*/, std::uint64_t alias, const Fields& track_properties,
                      std::optional<Location> largest) const override {
    Fields parameters;
    if (largest) {
      const Buffer value = writer().integer(largest->group).integer(largest->object).take();
      parameters.push_back({id::kLargestObject, value});
    }
    Writer out = writer();
    out.integer(alias).bytes(counted(parameters)).bytes(pairs(track_properties));
    return message(type::kSubscribeOk, out.take());
  }

  Buffer request_error(std::uint64_t /*id*/, std::uint64_t code,
                       std::string_view reason) const override {
    // Not to be retried.
    return message(type::kSubscribeError, writer().integer(code).integer(0).text(reason).take());
  }

  Buffer publish_done(std::uint64_t /*id*/, std::uint64_t code,
                      std::uint64_t streams) const override {
    return message(type::kPublishDone, writer().integer(code).integer(streams).text("").take());
  }

  Buffer fetch(const Fetch& message) const override {
    Fields all = message.parameters;
    if (message.group_order) all.push_back(byte_field(id::kGroupOrder, *message.group_order));
    Writer out = writer();
    out.integer(message.id).integer(message.fetch_type);
    out.names(message.track.space).text(message.track.name);
    out.integer(message.start.group).integer(message.start.object);
    out.integer(message.end.group).integer(message.end.object);
    return this->message(type::kFetch, out.bytes(counted(all)).take());
  }

  Buffer joining_fetch(std::uint64_t id, std::uint64_t fetch_type, std::uint64_t subscription,
                       std::uint64_t start) const override {
    Writer out = writer();
    out.integer(id).integer(fetch_type).integer(subscription).integer(start).integer(0);
    return message(type::kFetch, out.take());
  }

  std::optional<Fetch> parse_fetch(ByteSpan body) const override {
    Reader in = reader(body);
    if (in.integer() != kStandalone) return std::nullopt;
    return parse_range(in);
  }

  Buffer fetch_error(std::uint64_t id, std::uint64_t code, std::string_view reason) const override {
    return request_error(id, code, reason);
  }

  Buffer fetch_ok(std::uint64_t /*id*/, const Location& end) const override {
    return message(type::kFetchOk,
                   writer().byte(0).integer(end.group).integer(end.object).integer(0).take());
  }

  Buffer publish(std::uint64_t id, const TrackName& track, std::uint64_t alias) const override {
    Writer out = writer();
    out.integer(id).names(track.space).text(track.name).integer(alias).integer(0);
    return message(type::kPublish, out.take());
  }

  std::optional<Published> parse_publish(ByteSpan body) const override {
    Reader in = reader(body);
    auto space = in.names();
    auto name = in.text();
    auto found = parse_subscribe_ok(in.rest());
    if (!space || !name || !found) return std::nullopt;
    found->track = {*std::move(space), *std::move(name)};
    return found;
  }

  std::optional<Published> parse_subscribe_ok(ByteSpan body) const override {
    Reader in = reader(body);
    const auto alias = in.integer();
    const auto parameters = parse_parameters(in);
    if (!alias || !parameters || !parse_pairs(in.rest())) return std::nullopt;
    Published found{.alias = *alias};
    for (const Field& each : *parameters) {
      Reader value = reader(each.value);
      if (each.type == id::kForward) found.forward = value.byte() == 1;
      if (each.type != id::kLargestObject) continue;
      const auto group = value.integer();
      const auto object = value.integer();
      if (!group || !object) return std::nullopt;
      found.largest = Location{*group, *object};
    }
    return found;
  }

  Buffer publish_ok(std::uint64_t /*id*/, std::optional<std::uint8_t> forward) const override {
    Fields parameters;
    if (forward) parameters.push_back(byte_field(id::kForward, *forward));
    return message(type::kRequestOk, counted(parameters));
  }

  Buffer publish_error(std::uint64_t id, std::uint64_t code,
                       std::string_view reason) const override {
    return request_error(id, code, reason);
  }

  Buffer update_forward(std::uint64_t id, std::uint64_t /*of*/,
                        std::uint8_t forward) const override {
    return request_update(id, {byte_field(id::kForward, forward)});
  }

  Buffer goaway(std::string_view uri, std::uint64_t request_id) const override {
    // No timeout of its own.
    return message(type::kGoaway, writer().text(uri).integer(0).integer(request_id).take());
  }
};

// Draft-14 §"Control Messages".
constexpr std::array<std::uint64_t, 6> kErrors14{0x05, 0x08, 0x0f, 0x13, 0x19, 0x1f};
constexpr std::array<std::uint64_t, 13> kAnswers14{0x04, 0x05, 0x07, 0x08, 0x0b, 0x0e, 0x0f,
                                                   0x12, 0x13, 0x18, 0x19, 0x1e, 0x1f};

}  // namespace

const Draft& Draft::numbered(int number) {
  static const Draft14 draft14;
  static const Draft18 draft18;
  if (number == 14) return draft14;
  return draft18;
}

bool Draft::is_error(std::uint64_t type) const {
  if (request_streams()) return type == type::kSubscribeError;
  return std::ranges::find(kErrors14, type) != kErrors14.end();
}

bool Draft::is_answer(std::uint64_t type) const {
  return std::ranges::find(kAnswers14, type) != kAnswers14.end();
}

Field Draft::number_field(std::uint64_t type, std::uint64_t value) const {
  return {type, writer().integer(value).take()};
}

Field Draft::byte_field(std::uint64_t type, std::uint8_t value) const {
  return {type, writer().byte(value).take()};
}

Field Draft::bytes_field(std::uint64_t type, ByteSpan value) const {
  return {type, writer().integer(value.size()).bytes(value).take()};
}

Buffer Draft::pairs(const Fields& fields) const {
  Fields sorted = fields;
  if (deltas()) std::ranges::stable_sort(sorted, {}, &Field::type);
  Writer out = writer();
  std::uint64_t previous = 0;
  for (const Field& field : sorted) {
    out.integer(deltas() ? field.type - previous : field.type).bytes(field.value);
    previous = field.type;
  }
  return out.take();
}

std::optional<Fields> Draft::parse_pairs(ByteSpan bytes) const {
  Fields fields;
  Reader in = reader(bytes);
  std::uint64_t previous = 0;
  while (!in.empty()) {
    const auto type = in.integer();
    if (!type) return std::nullopt;
    previous = deltas() ? previous + *type : *type;
    const auto number = in.integer();
    if (!number) return std::nullopt;
    if (previous % 2 == 0) {
      fields.push_back(number_field(previous, *number));
      continue;
    }
    const auto value = in.bytes(*number);
    if (!value) return std::nullopt;
    fields.push_back(bytes_field(previous, *value));
  }
  return fields;
}

std::optional<Fetch> Draft::parse_range(Reader& in) {
  auto space = in.names();
  auto name = in.text();
  const auto group = in.integer();
  const auto object = in.integer();
  const auto end_group = in.integer();
  const auto end_object = in.integer();
  if (!space || !name || !group || !object || !end_group || !end_object) return std::nullopt;
  return Fetch{.track = {*std::move(space), *std::move(name)},
               .start = {*group, *object},
               .end = {*end_group, *end_object}};
}

std::optional<Fields> Draft::parse_parameters(Reader& in) {
  const auto count = in.integer();
  if (!count) return std::nullopt;
  Fields fields;
  std::uint64_t type = 0;
  while (fields.size() < *count) {
    const auto delta = in.integer();
    if (!delta) return std::nullopt;
    type += *delta;
    Writer value(Integers::vi64);
    int numbers = type == id::kExpires ? 1 : 0;
    if (type == id::kLargestObject) numbers = 2;
    bool whole = numbers != 0;
    for (; numbers != 0; --numbers) {
      const auto number = in.integer();
      whole = whole && number;
      value.integer(number.value_or(0));
    }
    if (type == id::kForward || type == id::kGroupOrder || type == id::kSubscriberPriority) {
      const auto byte = in.byte();
      whole = byte.has_value();
      value.byte(byte.value_or(0));
    }
    // No other comes from a relay in what is read here.
    if (!whole) return std::nullopt;
    fields.push_back({type, value.take()});
  }
  return fields;
}

Buffer Draft::counted(const Fields& fields) const {
  return writer().integer(fields.size()).bytes(pairs(fields)).take();
}

Buffer Draft::message(std::uint64_t type, const Buffer& body) const {
  return message(type, body, body.size());
}

Buffer Draft::message(std::uint64_t type, const Buffer& body, std::size_t length) const {
  return writer().integer(type).u16(static_cast<std::uint16_t>(length)).bytes(body).take();
}

Buffer Draft::publish_namespace(std::uint64_t id, const Names& space) const {
  return message(type::kPublishNamespace, writer().integer(id).names(space).integer(0).take());
}

Buffer Draft::subscribe_namespace(std::uint64_t id, const Names& prefix) const {
  return message(subscribe_namespace_type(), writer().integer(id).names(prefix).integer(0).take());
}

Buffer Draft::subscribe_tracks(std::uint64_t id, const Names& prefix,
                               const Fields& parameters) const {
  Writer out = writer();
  return message(type::kSubscribeTracks,
                 out.integer(id).names(prefix).bytes(counted(parameters)).take());
}

Buffer Draft::request_update(std::uint64_t id, const Fields& parameters) const {
  return message(type::kUpdate, writer().integer(id).bytes(counted(parameters)).take());
}

}  // namespace moq::conformance
