#pragma once

#include <ngtcp2/ngtcp2.h>

#include <cstddef>

#include <boost/intrusive/list.hpp>

namespace moq::native::quic {

/// What ngtcp2 allocates for one connection, all of which goes with it at the latest.
///
/// ngtcp2 before 1.20 loses a STREAM frame of several slices when a part of it is sent
/// again after others were acknowledged: the frame stays in a list that only knows memory
/// of another kind. Within a connection that is used again, but nobody frees it in the
/// end, and a peer that pretends losses could have a relay lose memory that way.
///
/// Must outlive the ngtcp2_conn that it was given to.
class ConnectionMemory {
 public:
  ConnectionMemory() = default;
  ConnectionMemory(const ConnectionMemory&) = delete;
  ConnectionMemory& operator=(const ConnectionMemory&) = delete;
  ~ConnectionMemory();

  /// What ngtcp2 is to be given; as long as this lives.
  [[nodiscard]] const ngtcp2_mem* get() const { return &functions_; }
  /// Pieces that are allocated.
  [[nodiscard]] std::size_t size() const { return pieces_.size(); }

 private:
  struct alignas(std::max_align_t) Piece : boost::intrusive::list_base_hook<> {};

  static void* allocate(std::size_t size, void* self);
  static void* allocate_zeroed(std::size_t count, std::size_t size, void* self);
  static void* reallocate(void* data, std::size_t size, void* self);
  static void release(void* data, void* self);
  /// The piece that `data` belongs to.
  static Piece* piece_of(void* data);

  boost::intrusive::list<Piece, boost::intrusive::constant_time_size<false>> pieces_;
  ngtcp2_mem functions_{.user_data = this,
                        .malloc = allocate,
                        .free = release,
                        .calloc = allocate_zeroed,
                        .realloc = reallocate};
};

}  // namespace moq::native::quic
