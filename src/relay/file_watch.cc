#include "relay/file_watch.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace moq::relay {

FileWatch::FileWatch(Loop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)), timer_(loop, [this] { look(); }) {}

FileWatch::Seen FileWatch::look_at(std::vector<std::string> files) {
  Seen seen{.files = std::move(files)};
  std::ranges::transform(seen.files, std::back_inserter(seen.stamps), native::stamp_of);
  return seen;
}

void FileWatch::watch(Seen seen) {
  seen_ = std::move(seen);
  timer_.arm(seen_.files.empty() ? kNever : later(loop_.now(), kInterval));
}

void FileWatch::look() {
  timer_.arm(later(loop_.now(), kInterval));
  Seen now = look_at(seen_.files);
  if (now.stamps == seen_.stamps) return;
  seen_ = std::move(now);
  changed_();
}

}  // namespace moq::relay
