#include "native/quic/connection_memory.h"

#include <cstdlib>
#include <limits>
#include <new>

namespace moq::native::quic {

// Pieces come from malloc and are of no type but ngtcp2's, so they are managed by hand.
// NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)

ConnectionMemory::~ConnectionMemory() {
  pieces_.clear_and_dispose([](Piece* piece) { std::free(piece); });
}

ConnectionMemory::Piece* ConnectionMemory::piece_of(void* data) {
  return static_cast<Piece*>(data) - 1;
}

void* ConnectionMemory::allocate(std::size_t size, void* self) {
  return reallocate(nullptr, size, self);
}

void* ConnectionMemory::allocate_zeroed(std::size_t count, std::size_t size, void* self) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max() - sizeof(Piece);
  if (size != 0 && count > kMost / size) return nullptr;
  void* memory = std::calloc(1, sizeof(Piece) + count * size);
  if (memory == nullptr) return nullptr;
  auto* piece = new (memory) Piece;
  static_cast<ConnectionMemory*>(self)->pieces_.push_back(*piece);
  return piece + 1;
}

void* ConnectionMemory::reallocate(void* data, std::size_t size, void* self) {
  auto& pieces = static_cast<ConnectionMemory*>(self)->pieces_;
  if (size > std::numeric_limits<std::size_t>::max() - sizeof(Piece)) return nullptr;
  void* at = nullptr;
  if (data != nullptr) {
    // It may move, and then its neighbours must not know it.
    Piece* old = piece_of(data);
    pieces.erase(pieces.iterator_to(*old));
    old->~Piece();
    at = old;
  }
  void* memory = std::realloc(at, sizeof(Piece) + size);
  void* kept = memory != nullptr ? memory : at;
  if (kept == nullptr) return nullptr;
  auto* piece = new (kept) Piece;
  pieces.push_back(*piece);
  return memory != nullptr ? piece + 1 : nullptr;
}

void ConnectionMemory::release(void* data, void* self) {
  if (data == nullptr) return;
  Piece* piece = piece_of(data);
  auto& pieces = static_cast<ConnectionMemory*>(self)->pieces_;
  pieces.erase(pieces.iterator_to(*piece));
  std::free(piece);
}

// NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)

}  // namespace moq::native::quic
