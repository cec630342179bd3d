#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "net/model/group.h"

namespace moq {

/// Copies a group that one session receives into the group that readers have, while
/// other sessions may be copying theirs into it as well: whoever is ahead appends,
/// and each byte is appended once. Payload is shared, not copied.
///
/// Belongs to its loop's thread.
class GroupMerge final : private GroupReader {
 public:
  enum class State : std::uint8_t {
    open,      ///< more may come
    finished,  ///< all of it is in the readers' group, which has been finished
    aborted,   ///< the session gave it up; the readers' group is as it was
    conflict,  ///< the readers' group holds something else
    closed,    ///< the readers' group takes nothing any more
  };

  /// `changed` is called for each arrival; it only marks something to be looked at.
  /// A timestamp is multiplied by `to_scale` and divided by `from_scale`: the
  /// timescales of both tracks, not 0.
  GroupMerge(std::shared_ptr<Group> from, std::shared_ptr<Group> to, std::uint64_t from_scale,
             std::uint64_t to_scale, std::function<void()> changed);
  GroupMerge(const GroupMerge&) = delete;
  GroupMerge& operator=(const GroupMerge&) = delete;
  ~GroupMerge();

  /// Appends what is new. Once it is not `open`, it stays as it is.
  State copy();
  [[nodiscard]] State state() const { return state_; }
  /// Whether the readers' group has nothing that this session has not delivered, and
  /// something that it has: as of the last `copy`.
  [[nodiscard]] bool level() const { return level_; }
  /// The stream code that the session gave it up with.
  [[nodiscard]] std::uint64_t abort_code() const { return abort_code_; }
  [[nodiscard]] const std::shared_ptr<Group>& to() const { return to_; }

 private:
  class Part;

  void on_subgroups() override { changed_(); }
  State look();

  std::shared_ptr<Group> from_;
  std::shared_ptr<Group> to_;
  std::uint64_t from_scale_;
  std::uint64_t to_scale_;
  std::function<void()> changed_;
  std::vector<std::unique_ptr<Part>> parts_;
  State state_ = State::open;
  bool level_ = false;
  std::uint64_t abort_code_ = Group::kCancelledCode;
};

}  // namespace moq
