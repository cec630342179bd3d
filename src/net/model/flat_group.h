#pragma once

#include <memory>

#include "net/base/loop.h"
#include "net/model/group.h"

namespace moq {

/// `group` for those who know of no subgroups (moq-lite): the payloads of all its objects
/// as objects of subgroup 0, numbered without gaps. They come in the order of their ids as
/// far as they have arrived, each when it is whole; one that another has overtaken comes
/// after it. Objects without payload that only have a status are left out, and properties
/// but for the time. If anything of `group` was given up, so is this, at its end.
///
/// It is made once for all who ask while somebody has it, and shares the payloads.
[[nodiscard]] std::shared_ptr<Group> flatten(Loop& loop, const std::shared_ptr<Group>& group);

}  // namespace moq
