#include "conformance/data.h"

namespace moq::conformance {

Buffer encode(const Draft& draft, const Subgroup& subgroup) {
  Writer out = draft.writer();
  out.integer(subgroup.type).integer(subgroup.alias).integer(subgroup.group);
  if ((subgroup.type & subgroup_type::kIdModes) == subgroup_type::kExplicitId) {
    out.integer(subgroup.subgroup);
  }
  if (!subgroup.has(subgroup_type::kDefaultPriority)) out.byte(subgroup.priority);
  return out.bytes(encode_next(draft, subgroup.type, std::nullopt, subgroup.objects)).take();
}

Buffer encode_next(const Draft& draft, std::uint64_t subgroup_type,
                   std::optional<std::uint64_t> previous, const std::vector<Object>& objects) {
  Writer out = draft.writer();
  for (const Object& object : objects) {
    out.integer(previous ? object.id - *previous - 1 : object.id);
    if ((subgroup_type & subgroup_type::kProperties) != 0) {
      out.integer(object.properties.size()).bytes(object.properties);
    }
    out.text(object.payload);
    if (object.payload.empty()) out.integer(object.status);
    previous = object.id;
  }
  return out.take();
}

std::optional<Subgroup> decode_subgroup(const Draft& draft, ByteSpan bytes) {
  Reader in = draft.reader(bytes);
  const auto type = in.integer();
  if (!type || (*type & subgroup_type::kPlain) == 0 || *type > 0x7f) return std::nullopt;
  Subgroup found{.type = *type};
  const auto alias = in.integer();
  const auto group = in.integer();
  if (!alias || !group) return std::nullopt;
  found.alias = *alias;
  found.group = *group;
  if ((*type & subgroup_type::kIdModes) == subgroup_type::kExplicitId) {
    const auto subgroup = in.integer();
    if (!subgroup) return std::nullopt;
    found.subgroup = *subgroup;
  }
  if (!found.has(subgroup_type::kDefaultPriority)) {
    const auto priority = in.byte();
    if (!priority) return std::nullopt;
    found.priority = *priority;
  }
  while (true) {
    Object object;
    const auto delta = in.integer();
    if (!delta) return found;
    object.id = found.objects.empty() ? *delta : found.objects.back().id + 1 + *delta;
    if (found.has(subgroup_type::kProperties)) {
      const auto size = in.integer();
      auto properties = size ? in.bytes(*size) : std::nullopt;
      if (!properties) return found;
      object.properties = *std::move(properties);
    }
    auto payload = in.text();
    if (!payload) return found;
    object.payload = *std::move(payload);
    if (object.payload.empty()) {
      const auto status = in.integer();
      if (!status) return found;
      object.status = *status;
    }
    found.objects.push_back(std::move(object));
    if (found.objects.size() == 1 &&
        (*type & subgroup_type::kIdModes) == subgroup_type::kFirstObjectId) {
      found.subgroup = found.objects.front().id;
    }
  }
}

namespace {

constexpr std::uint64_t kFetchHeader = 0x05;

// Draft-14 §"Fetch Header": all fields, all absolute.
std::optional<FetchedObject> next_fetched14(Reader& in) {
  const auto group = in.integer();
  const auto subgroup = in.integer();
  const auto object = in.integer();
  const auto priority = in.byte();
  const auto extensions = in.text();
  const auto payload = in.text();
  if (!group || !subgroup || !object || !priority || !extensions || !payload) return std::nullopt;
  if (payload->empty() && !in.integer()) return std::nullopt;
  return FetchedObject{.location = {*group, *object}, .payload = *payload};
}

// Draft-18 §"Fetch Header": flags say what there is, and what is as before.
std::optional<FetchedObject> next_fetched18(Reader& in, std::optional<Location> previous,
                                            std::uint8_t order) {
  constexpr std::uint64_t kRange = 0x80;
  const auto flags = in.integer();
  if (!flags) return std::nullopt;
  const auto number = [&](bool present) {
    return present ? in.integer() : std::optional<std::uint64_t>(0);
  };
  const bool has_group = (*flags & 0x08) != 0;
  const bool has_object = (*flags & 0x04) != 0;
  const bool is_range = *flags >= kRange;
  const auto group = number(has_group);
  const auto subgroup = number((*flags & 0x43) == 0x03 && !is_range);
  const auto object = number(has_object);
  if (!group || !subgroup || !object) return std::nullopt;
  Location at{*group, *object};
  if (previous) {
    const std::uint64_t step = has_group ? *group + 1 : 0;
    at.group = order == group_order::kDescending ? previous->group - step : previous->group + step;
    if (!has_object) at.object = previous->object + 1;
    if (has_object && !has_group) at.object = previous->object + *object;
  }
  if (is_range) return FetchedObject{.location = at, .payload = "(range)"};
  if ((*flags & 0x10) != 0 && !in.byte()) return std::nullopt;
  if ((*flags & 0x20) != 0 && !in.text()) return std::nullopt;
  const auto payload = in.text();
  if (!payload) return std::nullopt;
  return FetchedObject{.location = at, .payload = *payload};
}

}  // namespace

Buffer encode(const Draft& draft, const Fetched& fetched) {
  Writer out = draft.writer();
  out.integer(kFetchHeader).integer(fetched.request_id);
  bool first = true;
  for (const FetchedObject& each : fetched.objects) {
    const Location& at = each.location;
    if (draft.number() == 14) {
      out.integer(at.group).integer(0).integer(at.object).byte(128).integer(0);
    } else if (first) {
      // Group, object and priority, all of which are as before or one more from here on.
      out.integer(0x1c).integer(at.group).integer(at.object).byte(128);
    } else {
      out.integer(0);
    }
    out.text(each.payload);
    first = false;
  }
  return out.take();
}

std::optional<Fetched> decode_fetch(const Draft& draft, ByteSpan bytes, std::uint8_t order) {
  Reader in = draft.reader(bytes);
  if (in.integer() != kFetchHeader) return std::nullopt;
  const auto id = in.integer();
  if (!id) return std::nullopt;
  Fetched found{.request_id = *id};
  while (true) {
    const auto previous =
        found.objects.empty() ? std::nullopt : std::optional(found.objects.back().location);
    auto next = draft.number() == 14 ? next_fetched14(in) : next_fetched18(in, previous, order);
    if (!next) return found;
    found.objects.push_back(*std::move(next));
  }
}

}  // namespace moq::conformance
