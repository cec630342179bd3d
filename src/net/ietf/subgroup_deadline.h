#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "net/base/loop.h"
#include "net/model/group.h"

namespace moq::ietf {

/// SUBGROUP_DELIVERY_TIMEOUT: how long a subgroup may be on its way once all its objects are
/// there (draft-18 §"Delivery Timeouts"). Belongs to the stream's owner, who destroys it when
/// all is acknowledged.
class SubgroupDeadline final : private moq::SubgroupReader {
 public:
  /// `passed`: called once from the loop; may destroy this.
  SubgroupDeadline(Loop& loop, std::shared_ptr<Group> group, Subgroup& objects, Duration timeout,
                   std::function<void()> passed);

  /// Another timeout, from the same end on.
  void change(Duration timeout);

 private:
  void on_progress() override;

  Loop& loop_;
  std::shared_ptr<Group> group_;
  Subgroup& objects_;
  Duration timeout_;
  std::optional<Time> ended_;  ///< when it was known here that all objects are there
  Timer timer_;
};

}  // namespace moq::ietf
