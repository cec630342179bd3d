#include "relay/root_places.h"

#include <utility>

namespace moq::relay {

RootPlaces::Place::Place(std::shared_ptr<RootPlaces> places, std::string root)
    : places_(std::move(places)), root_(std::move(root)) {}

RootPlaces::Place::~Place() {
  if (places_ != nullptr) places_->give_back(root_);
}

std::shared_ptr<RootPlaces::Place> RootPlaces::take(const Path& root) {
  if (limit_ == 0) return std::make_shared<Place>(nullptr, std::string());
  {
    const std::scoped_lock lock(mutex_);
    std::size_t& taken = taken_[root.text()];
    if (taken >= limit_) return nullptr;
    ++taken;
  }
  return std::make_shared<Place>(shared_from_this(), root.text());
}

std::size_t RootPlaces::taken(const Path& root) const {
  const std::scoped_lock lock(mutex_);
  const auto known = taken_.find(root.text());
  return known == taken_.end() ? 0 : known->second;
}

void RootPlaces::give_back(const std::string& root) {
  const std::scoped_lock lock(mutex_);
  const auto known = taken_.find(root);
  if (--known->second == 0) taken_.erase(known);
}

}  // namespace moq::relay
