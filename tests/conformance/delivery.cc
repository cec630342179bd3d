#include "conformance/delivery.h"

#include <algorithm>

namespace moq::conformance {

namespace {

constexpr std::uint64_t kUnknownCount = (std::uint64_t{1} << 62) - 1;

std::string payload(const Location& at) {
  return std::to_string(at.group) + "/" + std::to_string(at.object);
}

}  // namespace

Subgroup objects(std::uint64_t group, std::uint64_t first, std::uint64_t last,
                 std::uint64_t alias) {
  Subgroup made{.alias = alias, .group = group};
  for (std::uint64_t i = first; i <= last; ++i) {
    made.objects.push_back({.id = i, .payload = payload({group, i})});
  }
  return made;
}

Subgroup group(std::uint64_t id, std::uint64_t count, std::uint64_t alias) {
  return objects(id, 0, count - 1, alias);
}

Buffer more(const Draft& draft, const Subgroup& begun, std::uint64_t last) {
  const std::uint64_t previous = begun.objects.back().id;
  return encode_next(draft, begun.type, previous,
                     objects(begun.group, previous + 1, last, begun.alias).objects);
}

std::vector<Location> locations(const Client& client, std::optional<std::uint64_t> alias) {
  std::vector<Location> found;
  for (const Subgroup& each : client.subgroups()) {
    if (alias && each.alias != *alias) continue;
    for (const Object& object : each.objects) found.push_back({each.group, object.id});
  }
  std::ranges::sort(found);
  return found;
}

std::string to_string(const std::vector<Location>& all) {
  std::string text;
  for (const Location& each : all) text += (text.empty() ? "" : ", ") + payload(each);
  return text.empty() ? "nothing" : text;
}

Outcome gets(Client& client, const std::vector<Location>& wanted,
             std::optional<std::uint64_t> alias) {
  client.connection().wait([&] { return locations(client, alias).size() >= wanted.size(); });
  MOQ_CHECK_OK(client.stays());
  const auto got = locations(client, alias);
  if (got != wanted) return unmet("the subscriber gets " + to_string(got));
  for (const Subgroup& each : client.subgroups()) {
    for (const Object& object : each.objects) {
      if (object.payload == payload({each.group, object.id})) continue;
      return unmet("an object has another payload");
    }
  }
  return Verdict{};
}

Outcome hears_the_end(Client& client, const Request& request) {
  const auto done = [&] {
    const auto all = client.answers(request);
    const auto found = std::ranges::find(all, type::kPublishDone, &Message::type);
    return found == all.end() ? std::nullopt : std::optional(*found);
  };
  if (!client.connection().wait([&] { return done().has_value(); })) {
    return unmet("no PUBLISH_DONE came: " + client.fate());
  }
  const Buffer body = done()->body;
  Reader in = client.draft().reader(body);
  const auto code = in.integer().value_or(0);
  const auto streams = in.integer().value_or(0);
  if (code != kEndOfTrack) return unmet("PUBLISH_DONE has status " + hex(code));
  const auto opened = client.subgroups().size();
  if (streams != opened && streams != kUnknownCount) {
    return unmet("PUBLISH_DONE counts " + std::to_string(streams) + " streams of " +
                 std::to_string(opened));
  }
  return client.stays();
}

Request fetch(Client& client, Fetch message) {
  message.id = client.take_id();
  return client.request(message.id, client.draft().fetch(message));
}

Request join(Client& client, const Request& subscription, std::uint64_t groups) {
  const std::uint64_t id = client.take_id();
  return client.request(
      id, client.draft().joining_fetch(id, Fetch::kRelativeJoining, subscription.id, groups));
}

Request join_from(Client& client, const Request& subscription, std::uint64_t first) {
  const std::uint64_t id = client.take_id();
  return client.request(
      id, client.draft().joining_fetch(id, Fetch::kAbsoluteJoining, subscription.id, first));
}

Result<Fetched> fetched(Client& client, const Request& request, std::uint8_t order) {
  MOQ_TRY(const Message ok, client.accepted(request));
  if (ok.type != type::kFetchOk) return unmet("FETCH was answered by message " + hex(ok.type));
  std::optional<Fetched> got;
  const bool whole = client.connection().wait([&] {
    for (const Stream* stream : client.connection().incoming_uni()) {
      got = decode_fetch(client.draft(), stream->received(), order);
      if (got && got->request_id == request.id && stream->ended()) return true;
    }
    return false;
  });
  if (!whole) return unmet("no whole stream of the fetch came: " + client.fate());
  for (const FetchedObject& each : got->objects) {
    if (each.payload != payload(each.location)) return unmet("another object was fetched");
  }
  return *std::move(got);
}

Result<Brought> brought(Client& client) {
  MOQ_TRY(Request request, client.asked(type::kPublish));
  if (request.id % 2 != 1) return unmet("PUBLISH has the id " + std::to_string(request.id));
  const auto said = client.draft().parse_publish(request.body);
  if (!said) return unmet("PUBLISH cannot be read");
  return Brought{.request = std::move(request), .said = *said};
}

Result<Request> bring(Client& client, const TrackName& track, std::uint64_t alias) {
  const std::uint64_t id = client.take_id();
  const Request made = client.request(id, client.draft().publish(id, track, alias));
  MOQ_TRY([[maybe_unused]] const Message ok, client.accepted(made));
  return made;
}

}  // namespace moq::conformance
