#include "net/model/origin.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/model/error.h"

namespace moq {

namespace {

/// FNV-1a over the path and the hops, little endian; basis and prime are those
/// of the reference, so that mixed clusters choose the same routes.
std::uint64_t route_hash(const Path& path, const std::vector<HopId>& hops) {
  constexpr std::uint64_t kBasis = 0x420C0DECB00B;
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t hash = kBasis;
  for (const char c : path.text()) hash = (hash ^ static_cast<std::uint8_t>(c)) * kPrime;
  for (const HopId hop : hops) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      hash = (hash ^ ((hop >> shift) & 0xff)) * kPrime;
  }
  return hash;
}

bool holds(const std::vector<HopId>& hops, HopId id) {
  return id != 0 && std::ranges::find(hops, id) != hops.end();
}

}  // namespace

/// A path that has routes, or had some when the tick began.
struct Origin::Entry {
  /// What a watcher may be told of a route.
  struct Offer {
    std::shared_ptr<Broadcast> broadcast;
    std::vector<HopId> hops;
    PeerToken peer;
    TrackNames tracks;
  };

  Path path;
  std::vector<Publication*> routes;  ///< best first
  /// The open routes, best first, as they were before this tick's first change.
  std::optional<std::vector<Offer>> before;
};

/// Outlives the origin in its publications and watches.
///
/// Paths are kept in one ordered map rather than a tree of segments: all below
/// a prefix lie next to each other behind "prefix/", and neither depth nor
/// recursion can be had by a peer. What a watch was told is not kept for each
/// watch and path: it follows from the routes as they were when the tick began.
struct Origin::State final : Flushable, std::enable_shared_from_this<State> {
  using Watches = boost::intrusive::list<Watch, boost::intrusive::constant_time_size<false>>;
  using Waiting = boost::intrusive::list<
      Watch,
      boost::intrusive::member_hook<Watch, decltype(Watch::waiting_hook_), &Watch::waiting_hook_>,
      boost::intrusive::constant_time_size<false>>;
  using Entries = std::map<std::string, Entry, std::less<>>;

  State(Loop& on, HopId own_id, const Limits& all_limits)
      : loop(on), id(own_id), limits(all_limits) {}

  Loop& loop;
  HopId id;
  Limits limits;
  bool closed = false;
  std::uint64_t last_age = 0;
  std::size_t used = 0;  ///< entries that have routes
  Entries entries;
  std::map<std::string, Entry*, std::less<>> changed;
  /// By prefix; never an empty list.
  std::map<std::string, Watches, std::less<>> watches;
  Waiting fresh;    ///< have not had their first batch
  Waiting waiting;  ///< have one to be told

  Result<void> check(const Route& route) const;
  Entry& touch(const Path& path);
  void insert(Publication& publication);
  void remove(Publication& publication);
  void flush() override;

 private:
  void collect_change(const std::string& key, Entry& entry);
  void collect_all(Watch& watch);
  template <typename Each>
  void each_watch_of(const std::string& path, Each each);
};

namespace {

bool allowed(PeerToken route_peer, const std::vector<HopId>& hops, PeerToken peer, HopId exclude) {
  return (peer == nullptr || route_peer != peer) && !holds(hops, exclude);
}

}  // namespace

Result<void> Origin::State::check(const Route& route) const {
  if (route.hops.size() > limits.max_hops) return fail(ModelError::too_many, "hops");
  if (holds(route.hops, id)) return fail(ModelError::loop);
  return {};
}

/// The entry of `path`, made if need be, remembered as it is before a change.
Origin::Entry& Origin::State::touch(const Path& path) {
  Entry& entry = entries[path.text()];
  if (entry.before) return entry;
  entry.path = path;
  entry.before.emplace();
  for (const Publication* route : entry.routes) {
    if (route->open_) {
      const Route& by = route->route_;
      entry.before->push_back({route->broadcast_, by.hops, by.peer, by.tracks});
    }
  }
  changed.emplace(path.text(), &entry);
  loop.mark(*this);
  return entry;
}

void Origin::State::insert(Publication& publication) {
  auto& routes = touch(publication.path_).routes;
  if (routes.empty()) ++used;
  publication.hash_ = route_hash(publication.path_, publication.route_.hops);
  const auto rank = [](const Publication* route) {
    return std::tuple(route->route_.draining, route->route_.hops.size(), route->hash_,
                      ~route->age_);
  };
  routes.insert(std::ranges::lower_bound(routes, rank(&publication), {}, rank), &publication);
}

void Origin::State::remove(Publication& publication) {
  auto& routes = touch(publication.path_).routes;
  std::erase(routes, &publication);
  if (routes.empty()) --used;
}

template <typename Each>
void Origin::State::each_watch_of(const std::string& path, Each each) {
  const auto visit = [&](std::string_view prefix) {
    const auto it = watches.find(prefix);
    if (it == watches.end()) return;
    for (Watch& watch : it->second) each(watch);
  };
  visit({});
  if (path.empty()) return;
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    visit(std::string_view(path).substr(0, slash));
  }
  visit(path);
}

void Origin::State::collect_change(const std::string& key, Entry& entry) {
  each_watch_of(key, [&](Watch& watch) {
    if (!watch.told_) return;
    const auto was = std::ranges::find_if(*entry.before, [&](const Entry::Offer& offer) {
      return allowed(offer.peer, offer.hops, watch.peer_, watch.exclude_);
    });
    const auto is = std::ranges::find_if(entry.routes, [&](const Publication* route) {
      return route->open_ &&
             allowed(route->route_.peer, route->route_.hops, watch.peer_, watch.exclude_);
    });
    const bool existed = was != entry.before->end();
    if (is == entry.routes.end()) {
      if (!existed) return;
      watch.batch_.push_back({entry.path, nullptr, {}, {}});
    } else {
      const Publication& route = **is;
      const bool same_tracks =
          watch.tracks_ == WatchTracks::no || (existed && was->tracks == route.route_.tracks);
      if (existed && was->broadcast == route.broadcast_ && was->hops == route.route_.hops &&
          same_tracks) {
        return;
      }
      watch.batch_.push_back(
          {entry.path, route.broadcast_, route.route_.hops, route.route_.tracks});
    }
    if (!watch.waiting_hook_.is_linked()) waiting.push_back(watch);
  });
}

void Origin::State::collect_all(Watch& watch) {
  watch.told_ = true;
  waiting.push_back(watch);
  const auto add = [&](const Entry& entry) {
    for (const Publication* route : entry.routes) {
      if (!route->open_) continue;
      const Route& by = route->route_;
      if (!allowed(by.peer, by.hops, watch.peer_, watch.exclude_)) continue;
      watch.batch_.push_back({entry.path, route->broadcast_, by.hops, by.tracks});
      return;
    }
  };
  const std::string& prefix = watch.prefix_.text();
  if (prefix.empty()) {
    for (const auto& [key, entry] : entries) add(entry);
    return;
  }
  if (const auto it = entries.find(prefix); it != entries.end()) add(it->second);
  const std::string below = prefix + '/';
  for (auto it = entries.lower_bound(below); it != entries.end() && it->first.starts_with(below);
       ++it) {
    add(it->second);
  }
}

void Origin::State::flush() {
  const auto self = shared_from_this();
  for (auto& [key, entry] : changed) collect_change(key, *entry);
  while (!fresh.empty()) {
    Watch& watch = fresh.front();
    fresh.pop_front();
    collect_all(watch);
  }
  // The last reference to a broadcast may go with these, and its end may lead
  // anywhere: not before all is in order here.
  std::vector<std::vector<Entry::Offer>> old;
  for (auto& [key, entry] : std::exchange(changed, {})) {
    old.push_back(*std::exchange(entry->before, std::nullopt));
    if (entry->routes.empty()) entries.erase(key);
  }
  // From here on anything may happen; what changes goes into the next batch.
  while (!waiting.empty()) {
    Watch& watch = waiting.front();
    waiting.pop_front();
    const auto batch = std::exchange(watch.batch_, {});
    watch.reader_.on_announcements(batch);
  }
}

Origin::Origin(Loop& loop, HopId id, const Limits& limits)
    : loop_(loop), id_(id), state_(std::make_shared<State>(loop, id, limits)) {}

Origin::~Origin() {
  state_->closed = true;
  // Broadcasts that end with their last reference must find nothing half gone.
  const auto entries = std::exchange(state_->entries, {});
  state_->changed.clear();
  state_->waiting.clear();
  state_->fresh.clear();
  state_->watches.clear();
}

Result<std::unique_ptr<Origin::Publication>> Origin::publish(const Path& path,
                                                             std::shared_ptr<Broadcast> broadcast,
                                                             Route route) {
  if (path.text().size() > Path::kMaxSize) return fail(ModelError::invalid_path);
  if (broadcast == nullptr || broadcast->closed()) return fail(ModelError::closed, path.text());
  MOQ_CHECK_OK(state_->check(route));
  const auto it = state_->entries.find(path.text());
  const std::size_t routes = it == state_->entries.end() ? 0 : it->second.routes.size();
  if (routes == 0 && state_->used >= state_->limits.max_broadcasts) {
    return fail(ModelError::too_many, "broadcasts");
  }
  if (routes >= state_->limits.max_routes) return fail(ModelError::too_many, "routes");
  return std::unique_ptr<Publication>(
      new Publication(state_, path, std::move(broadcast), std::move(route)));
}

std::unique_ptr<Origin::Watch> Origin::watch(const Path& prefix, AnnounceReader& reader,
                                             PeerToken peer, HopId exclude, WatchTracks tracks) {
  return std::unique_ptr<Watch>(new Watch(state_, prefix, reader, peer, exclude, tracks));
}

std::shared_ptr<Broadcast> Origin::find(const Path& path, PeerToken peer) const {
  const auto it = state_->entries.find(path.text());
  if (it == state_->entries.end()) return nullptr;
  for (const Publication* route : it->second.routes) {
    if (route->open_ && allowed(route->route_.peer, {}, peer, 0)) return route->broadcast_;
  }
  return nullptr;
}

std::size_t Origin::size() const { return state_->used; }

Origin::Publication::Publication(std::shared_ptr<State> state, const Path& path,
                                 std::shared_ptr<Broadcast> broadcast, Route route)
    : state_(std::move(state)),
      path_(path),
      broadcast_(std::move(broadcast)),
      route_(std::move(route)),
      age_(++state_->last_age) {
  broadcast_->attach(*this);
  state_->insert(*this);
}

Origin::Publication::~Publication() {
  if (!state_->closed) state_->remove(*this);
}

Result<void> Origin::Publication::update(Route route) {
  MOQ_CHECK_OK(state_->check(route));
  if (state_->closed) {
    route_ = std::move(route);
    return {};
  }
  state_->remove(*this);
  route_ = std::move(route);
  state_->insert(*this);
  return {};
}

void Origin::Publication::on_broadcast_closed() {
  if (!state_->closed) state_->touch(path_);
  open_ = false;
}

Origin::Watch::Watch(std::shared_ptr<State> state, const Path& prefix, AnnounceReader& reader,
                     PeerToken peer, HopId exclude, WatchTracks tracks)
    : state_(std::move(state)),
      prefix_(prefix),
      reader_(reader),
      peer_(peer),
      exclude_(exclude),
      tracks_(tracks) {
  state_->watches[prefix_.text()].push_back(*this);
  state_->fresh.push_back(*this);
  state_->loop.mark(*state_);
}

Origin::Watch::~Watch() {
  if (!is_linked()) return;
  unlink();
  const auto it = state_->watches.find(prefix_.text());
  if (it->second.empty()) state_->watches.erase(it);
}

}  // namespace moq
