#include "net/ietf/types.h"

#include "net/coding/print.h"

namespace moq::ietf {

std::size_t FullTrackName::size() const {
  std::size_t total = track_name.size();
  for (const std::string& part : track_namespace) total += part.size();
  return total;
}

std::string_view to_string(GroupOrder order) {
  switch (order) {
    case GroupOrder::publisher:
      return "publisher";
    case GroupOrder::ascending:
      return "ascending";
    case GroupOrder::descending:
      return "descending";
  }
  return "unknown";
}

std::string_view to_string(FilterType type) {
  switch (type) {
    case FilterType::next_group:
      return "next_group";
    case FilterType::largest_object:
      return "largest_object";
    case FilterType::absolute_start:
      return "absolute_start";
    case FilterType::absolute_range:
      return "absolute_range";
  }
  return "unknown";
}

std::string_view to_string(FetchType type) {
  switch (type) {
    case FetchType::standalone:
      return "standalone";
    case FetchType::relative_joining:
      return "relative_joining";
    case FetchType::absolute_joining:
      return "absolute_joining";
  }
  return "unknown";
}

void print_value(std::string& out, const FullTrackName& value) {
  coding::print_value(out, value.track_namespace);
  coding::print_value(out, value.track_name);
}

void print_value(std::string& out, const Filter& value) {
  out += to_string(value.type);
  if (value.type == FilterType::absolute_start || value.type == FilterType::absolute_range) {
    out += '@';
    print_value(out, value.start);
  }
  if (value.type == FilterType::absolute_range) out += '-' + std::to_string(value.end_group);
}

void print_value(std::string& out, const FetchRange& value) {
  out += to_string(value.type);
  out += '@';
  if (value.type == FetchType::standalone) {
    print_value(out, value.track);
    out += ':';
    print_value(out, value.start);
    out += '-';
    print_value(out, value.end);
  } else {
    out += std::to_string(value.joining_request_id) + ':' + std::to_string(value.joining_start);
  }
}

void print_value(std::string& out, const Redirect& value) {
  coding::print_value(out, value.uri);
  print_value(out, value.track);
}

}  // namespace moq::ietf

namespace moq {

void print_value(std::string& out, const Location& value) {
  out += std::to_string(value.group) + '.' + std::to_string(value.object);
}

}  // namespace moq
