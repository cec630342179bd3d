// Runs a fuzz target without libFuzzer: on every file of the folder that is given,
// and on inputs made from them and from nothing, the same in every run.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "fuzz/fuzz.h"

namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr std::uint64_t kSeed = 20260822;
constexpr int kRuns = 20000;
constexpr std::size_t kMaxFresh = 200;

std::vector<Buffer> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry);
  std::sort(names.begin(), names.end());
  std::vector<Buffer> corpus;
  for (const auto& name : names) {
    std::ifstream file(name, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

class Mutator {
 public:
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_() % count); }

  // Mostly small numbers: lengths and counts that lead somewhere.
  std::uint8_t byte() {
    const auto any = static_cast<std::uint8_t>(random_());
    return below(3) == 0 ? any : static_cast<std::uint8_t>(any % 9);
  }

  Buffer fresh() {
    Buffer out(below(kMaxFresh));
    std::generate(out.begin(), out.end(), [&] { return byte(); });
    return out;
  }

  void mutate(Buffer& input) {
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
      const std::size_t at = below(input.size() + 1);
      const auto position = input.begin() + static_cast<std::ptrdiff_t>(at);
      switch (below(4)) {
        case 0:
          input.insert(position, byte());
          break;
        case 1:
          if (at < input.size()) *position = byte();
          break;
        case 2:
          if (at < input.size()) input.erase(position);
          break;
        default:
          input.resize(at);
          break;
      }
    }
  }

 private:
  std::mt19937_64 random_{kSeed};
};

void run(const Buffer& input) {
  // A copy of exactly its size, so that the sanitizer sees every byte read beyond.
  const Buffer exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  const std::vector<Buffer> corpus = read_corpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: no files\n", argv[1]);
    return 2;
  }
  for (const Buffer& input : corpus) run(input);
  Mutator mutator;
  for (int i = 0; i < kRuns; ++i) {
    Buffer input = i % 4 == 0 ? mutator.fresh() : corpus[mutator.below(corpus.size())];
    if (i % 4 != 0) mutator.mutate(input);
    run(input);
  }
  std::printf("%zu files, %d other inputs\n", corpus.size(), kRuns);
  return 0;
}
