#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "net/base/error.h"
#include "net/base/loop.h"
#include "net/model/track.h"

namespace moq {

class Broadcast;

/// Makes a broadcast's tracks when someone asks for them.
class BroadcastSource {
 public:
  virtual ~BroadcastSource() = default;
  /// A track that nobody has made is wanted: accept it, set its source, or
  /// abort it, now or later.
  virtual void on_track(Broadcast& broadcast, const std::shared_ptr<Track>& track) = 0;
};

/// A set of tracks from one publisher, by name.
class Broadcast : public std::enable_shared_from_this<Broadcast> {
 public:
  struct Limits {
    Track::Limits track;
    std::size_t max_tracks = 1024;
  };

  Broadcast(Loop& loop, Cache& cache, const Limits& limits = {});
  ~Broadcast();

  /// Who makes tracks on demand; null: unknown tracks do not exist. Not owned.
  void set_source(BroadcastSource* source);

  /// Makes a track that is there whether or not anyone asks. Fails if it exists.
  Result<std::shared_ptr<Track>> create(const std::string& name);
  /// The track, made on demand by the source; fails with `not_found`, `closed`
  /// or `too_many`. A track that has been aborted is made anew.
  Result<std::shared_ptr<Track>> track(const std::string& name);

  /// Aborts every track and closes. Idempotent.
  void close(const Error& error);
  [[nodiscard]] bool closed() const { return closed_.has_value(); }

  [[nodiscard]] Loop& loop() const { return loop_; }

 private:
  Loop& loop_;
  Cache& cache_;
  Limits limits_;
  BroadcastSource* source_ = nullptr;
  std::optional<Error> closed_;
  std::map<std::string, std::shared_ptr<Track>, std::less<>> tracks_;
};

}  // namespace moq
