// SPDX-License-Identifier: MIT
//
// PC → block in a CodeBlockMap, and by a plain binary search on the same sorted vector. Usage:
// bench_lookup BLOCKS ROUNDS LOOKUPS. Prints a line a round and situation: its name, nanoseconds
// of a look-up in the map, nanoseconds of the plain search. Situations: "alone"; "reader", another
// thread looks up all the time; "writer", another one inserts and removes all the time;
// "reader-writer", both of them; "waiting-writer", a writer is inside of its change and waits for a
// reader that is frozen inside a look-up.
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <semaphore>
#include <thread>
#include <vector>

#include "code/block_map.h"

namespace mtetso {
namespace {

constexpr uint64_t kFirst = 0x7f0000000000, kStep = 0x200, kLength = 0x180;
constexpr size_t kPlaces = 1 << 16, kTurns = 16;

// Nanoseconds that this thread has had a processor.
double now() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e9 + static_cast<double>(at.tv_nsec);
}

// The optimiser may not know what becomes of it.
void use(const CodeBlock* found) { asm volatile("" ::"r"(found)); }

// As in the map: the base next to the block.
struct Entry {
  uintptr_t base;
  const CodeBlock* block;
};

const CodeBlock* plain_search(const std::vector<Entry>& entries, uintptr_t pc) {
  const auto after =
      std::upper_bound(entries.begin(), entries.end(), pc,
                       [](uintptr_t wanted, const Entry& one) { return wanted < one.base; });
  if (after == entries.begin()) return nullptr;
  const CodeBlock* found = (after - 1)->block;
  return found->holds(pc) ? found : nullptr;
}

std::binary_semaphore g_reader_is_in(0), g_reader_may_go(0);
std::atomic<std::thread::id> g_frozen;

void freeze_one_reader() {
  if (std::this_thread::get_id() != g_frozen.load(std::memory_order_relaxed)) return;
  g_reader_is_in.release();
  g_reader_may_go.acquire();
}

class Bench {
 public:
  Bench(size_t blocks, size_t lookups) : blocks_(blocks), lookups_(lookups) {
    for (size_t i = 0; i < blocks; ++i) {
      blocks_[i].record.base = kFirst + i * kStep;
      blocks_[i].record.length = kLength;
      sorted_.push_back({blocks_[i].base(), &blocks_[i]});
      if (!map_.insert(&blocks_[i])) std::abort();
    }
    extra_.record.base = kFirst + blocks * kStep;
    extra_.record.length = kLength;
    std::mt19937_64 random(blocks);
    for (size_t i = 0; i < kPlaces; ++i)
      places_.push_back(kFirst + random() % blocks * kStep + random() % kLength);
  }

  // In short turns, so that what else the machine does hits both.
  void round(const char* situation) const {
    double map = 0, plain = 0;
    for (size_t turn = 0; turn < kTurns; ++turn) {
      map += time([this](uintptr_t pc) { return map_.lookup(pc); });
      plain += time([this](uintptr_t pc) { return plain_search(sorted_, pc); });
    }
    std::printf("%s %.3f %.3f\n", situation, map / kTurns, plain / kTurns);
  }

  // Beside other threads, each of which does its part over and over.
  void beside(const char* situation, bool reader, bool writer) {
    std::atomic<bool> stop{false};
    const auto repeat = [&stop](std::atomic<bool>& started, const auto& part) {
      for (size_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
        part(i);
        started.store(true, std::memory_order_relaxed);
      }
    };
    std::vector<std::thread> others;
    std::atomic<bool> reads{!reader}, writes{!writer};
    if (reader)
      others.emplace_back(
          [&] { repeat(reads, [this](size_t i) { use(map_.lookup(places_[i % kPlaces])); }); });
    if (writer)
      others.emplace_back([&] {
        repeat(writes, [this](size_t) {
          if (!map_.insert(&extra_) || !map_.remove(&extra_)) std::abort();
        });
      });
    while (!reads.load(std::memory_order_relaxed) || !writes.load(std::memory_order_relaxed))
      std::this_thread::yield();
    round(situation);
    stop = true;
    for (std::thread& other : others) other.join();
  }

  void against_waiting_writer() {
    map_.inside_lookup = freeze_one_reader;
    std::binary_semaphore known(0), go(0);
    std::thread reader([&] {
      known.release();
      go.acquire();
      use(map_.lookup(kFirst));
    });
    known.acquire();
    g_frozen = reader.get_id();
    go.release();
    g_reader_is_in.acquire();
    std::thread writer([&] {
      if (!map_.insert(&extra_)) std::abort();
    });
    // The change is seen before the writer has got rid of the reader.
    while (map_.lookup(extra_.base()) == nullptr) std::this_thread::yield();
    round("waiting-writer");
    g_reader_may_go.release();
    reader.join();
    writer.join();
    map_.remove(&extra_);
    g_frozen = std::thread::id();
    map_.inside_lookup = nullptr;
  }

 private:
  template <typename Search>
  double time(const Search& search) const {
    const size_t count = std::max<size_t>(1, lookups_ / kTurns);
    const double begin = now();
    for (size_t i = 0; i < count; ++i) use(search(places_[i % kPlaces]));
    return (now() - begin) / static_cast<double>(count);
  }

  std::vector<CodeBlock> blocks_;
  CodeBlock extra_;
  CodeBlockMap map_;
  std::vector<Entry> sorted_;
  std::vector<uintptr_t> places_;
  size_t lookups_;
};

}  // namespace
}  // namespace mtetso

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  mtetso::Bench bench(std::strtoul(argv[1], nullptr, 10), std::strtoul(argv[3], nullptr, 10));
  const unsigned long rounds = std::strtoul(argv[2], nullptr, 10);
  for (unsigned long i = 0; i < rounds; ++i) {
    bench.round("alone");
    bench.beside("reader", true, false);
    bench.beside("writer", false, true);
    bench.beside("reader-writer", true, true);
    bench.against_waiting_writer();
  }
}
