#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "net/model/path.h"

namespace moq::relay {

/// How many sessions there are at each root, over all workers. Any thread.
class RootPlaces : public std::enable_shared_from_this<RootPlaces> {
 public:
  class Place;

  /// `limit`: sessions at a root; 0: any number.
  explicit RootPlaces(std::uint64_t limit) : limit_(limit) {}

  /// The place of a session at `root`, for as long as it is held; null if there is none left.
  [[nodiscard]] std::shared_ptr<Place> take(const Path& root);
  /// Sessions at `root`. Not counted without a limit.
  [[nodiscard]] std::size_t taken(const Path& root) const;

 private:
  void give_back(const std::string& root);

  const std::uint64_t limit_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> taken_;  // guarded by mutex_; none is zero
};

class RootPlaces::Place {
 public:
  Place(std::shared_ptr<RootPlaces> places, std::string root);
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place();

 private:
  std::shared_ptr<RootPlaces> places_;  ///< null: nothing is counted
  std::string root_;
};

}  // namespace moq::relay
