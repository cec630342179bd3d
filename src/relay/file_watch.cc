#include "relay/file_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace moq::relay {

namespace {

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileWatch::FileWatch(Loop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)), timer_(loop, [this] { look(); }) {}

void FileWatch::set_files(std::vector<std::string> files) {
  files_ = std::move(files);
  seen_ = states();
  timer_.arm(files_.empty() ? kNever : later(loop_.now(), kInterval));
}

void FileWatch::look() {
  timer_.arm(later(loop_.now(), kInterval));
  std::vector<State> now = states();
  if (now == seen_) return;
  seen_ = std::move(now);
  changed_();
}

std::vector<FileWatch::State> FileWatch::states() const {
  std::vector<State> all;
  std::ranges::transform(files_, std::back_inserter(all), [](const std::string& file) {
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0) return State{};
    return State{.there = true,
                 .device = found.st_dev,
                 .inode = found.st_ino,
                 .size = found.st_size,
                 .modified = nanoseconds(found.st_mtim),
                 .changed = nanoseconds(found.st_ctim)};
  });
  return all;
}

}  // namespace moq::relay
