#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/model/track_info.h"

/// What messages and objects of moq-transport are made of.
namespace moq::ietf {

/// Fields of any bytes (§"Track Naming"); as a prefix or suffix, part of one.
using TrackNamespace = std::vector<std::string>;

struct FullTrackName {
  TrackNamespace track_namespace = {};
  std::string track_name = {};  ///< any bytes

  /// In bytes, as the drafts limit it: all fields and the name.
  [[nodiscard]] std::size_t size() const;
  friend auto operator<=>(const FullTrackName&, const FullTrackName&) = default;
};

/// In which order groups are sent; `publisher`: as the track's publisher prefers.
enum class GroupOrder : std::uint8_t { publisher = 0, ascending = 1, descending = 2 };

/// §"Subscription Filters".
enum class FilterType : std::uint8_t {
  next_group = 1,      ///< from the group after the largest
  largest_object = 2,  ///< from the object after the largest
  absolute_start = 3,  ///< from `start`
  absolute_range = 4,  ///< from `start` to the end of `end_group`
};

/// Which objects a subscription passes. By default all, which since draft-15 is the
/// same as no filter.
struct Filter {
  FilterType type = FilterType::absolute_start;
  Location start = {};  ///< of the two absolute types; else {0, 0}
  /// Of absolute_range, inclusive; else 0. Not checked where it is sent as it is (up to
  /// draft-16): it may be before `start`, which is a request's INVALID_RANGE.
  std::uint64_t end_group = 0;

  friend bool operator==(const Filter&, const Filter&) = default;
};

enum class FetchType : std::uint8_t {
  standalone = 1,
  relative_joining = 2,
  absolute_joining = 3,
};

/// What a FETCH asks for (§"FETCH").
struct FetchRange {
  FetchType type = FetchType::standalone;
  FullTrackName track = {};  ///< of standalone
  Location start = {};       ///< of standalone
  /// Of standalone: the last object, plus 1; 0 is all of the group. Not checked:
  /// that it is not before `start`, which is INVALID_RANGE.
  Location end = {};
  std::uint64_t joining_request_id = 0;  ///< of the joining types: the subscription
  /// Of relative_joining: how many groups before the largest; of absolute_joining: the
  /// first group.
  std::uint64_t joining_start = 0;

  friend bool operator==(const FetchRange&, const FetchRange&) = default;
};

/// Where to ask instead (draft-18 §"Redirect Structure").
struct Redirect {
  std::string uri = {};      ///< empty: here
  FullTrackName track = {};  ///< without fields and name: the same

  friend bool operator==(const Redirect&, const Redirect&) = default;
};

[[nodiscard]] std::string_view to_string(GroupOrder order);
[[nodiscard]] std::string_view to_string(FilterType type);
[[nodiscard]] std::string_view to_string(FetchType type);

/// For logs.
void print_value(std::string& out, const FullTrackName& value);
void print_value(std::string& out, const Filter& value);
void print_value(std::string& out, const FetchRange& value);
void print_value(std::string& out, const Redirect& value);

}  // namespace moq::ietf

namespace moq {

void print_value(std::string& out, const Location& value);

}  // namespace moq
