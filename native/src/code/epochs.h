// SPDX-License-Identifier: MIT
//
// When can the memory of retired code be freed? Not before every thread that could have entered it
// has been outside of all generated code. A thread says in its own word in which epoch it entered;
// retiring begins a new one.
//
//   thread: word := now                    retirer: no entry leads to the block
//           look up an entry, run it                epoch := ++now
//           word := 0                               later: oldest() > epoch: no thread is in it
//
// Each side writes one variable and then reads the other's: sequentially consistent.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace mtetso {

class Epochs {
 public:
  // `word` is the thread's, and outlives this. Throws bad_alloc.
  void add(std::atomic<uint64_t>* word);

  // Called before a thread looks up an entry; returns the epoch. Addresses that it kept from older
  // epochs must not be used any more.
  uint64_t enter(std::atomic<uint64_t>& word) const {
    for (;;) {
      const uint64_t epoch = now_.load(std::memory_order_seq_cst);
      word.store(epoch, std::memory_order_seq_cst);
      if (now_.load(std::memory_order_seq_cst) == epoch) return epoch;
    }
  }
  static void leave(std::atomic<uint64_t>& word) { word.store(0, std::memory_order_release); }

  // Called after the last way into a block was removed: threads in an epoch up to the returned one
  // may still be in it.
  uint64_t retire() { return now_.fetch_add(1, std::memory_order_seq_cst); }

  // The oldest epoch that a thread is in; if no thread is in one, the current one.
  uint64_t oldest() const;

 private:
  std::atomic<uint64_t> now_{1};
  mutable std::mutex lock_;
  std::vector<std::atomic<uint64_t>*> words_;
};

// The process's.
Epochs& epochs();

}  // namespace mtetso
