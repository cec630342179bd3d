#include "conformance/draft.h"

#include <algorithm>
#include <array>

namespace moq::conformance {

namespace {

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
    out.integer(message.id).byte(128).byte(1).integer(message.fetch_type);
    out.names(message.track.space).text(message.track.name);
    out.integer(message.start.group).integer(message.start.object);
    out.integer(message.end.group).integer(message.end.object);
    return this->message(type::kFetch, out.bytes(counted(message.parameters)).take());
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

  Buffer goaway(std::string_view uri, std::uint64_t /*request_id*/) const override {
    return message(type::kGoaway, writer().text(uri).take());
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
    Writer out = writer();
    out.integer(message.id).integer(message.fetch_type);
    out.names(message.track.space).text(message.track.name);
    out.integer(message.start.group).integer(message.start.object);
    out.integer(message.end.group).integer(message.end.object);
    return this->message(type::kFetch, out.bytes(counted(message.parameters)).take());
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

}  // namespace moq::conformance
