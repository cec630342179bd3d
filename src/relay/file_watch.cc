#include "relay/file_watch.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace moq::relay {

FileWatch::FileWatch(Loop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)), timer_(loop, [this] { look(); }) {}

void FileWatch::set_files(std::vector<std::string> files) {
  files_ = std::move(files);
  seen_ = stamps();
  timer_.arm(files_.empty() ? kNever : later(loop_.now(), kInterval));
}

void FileWatch::look() {
  timer_.arm(later(loop_.now(), kInterval));
  std::vector<native::FileStamp> now = stamps();
  if (now == seen_) return;
  seen_ = std::move(now);
  changed_();
}

std::vector<native::FileStamp> FileWatch::stamps() const {
  std::vector<native::FileStamp> all;
  std::ranges::transform(files_, std::back_inserter(all), native::stamp_of);
  return all;
}

}  // namespace moq::relay
