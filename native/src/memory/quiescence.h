// SPDX-License-Identifier: MIT
//
// Waiting until no guest thread is between the two words of a memop that it may have read the old
// way: what a memop needs to be weakened in place. [1] is new on every core's instruction stream
// before this is asked, so only a thread that ran the old [1] before matters, and it does so no
// more when it has
//
//   restarted        rseq-strict: membarrier(2) aborts every critical section, and a memop is one;
//   reached a poll   threads: a poll is never between two words, and each changes the budget;
//   left             generated code, or faulted: it comes back by [1] or an entry;
//   never run        lockstep: other guest threads stand at polls.
#pragma once

#include <mtedbg/debug_root.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mtetso {

class Quiescence {
 public:
  enum class How { Alone, Restart, Polls };

  // `polls`: how long a thread may take to reach one, in nanoseconds.
  explicit Quiescence(How how = How::Alone, uint64_t polls = kPatience)
      : how_(how), patience_(polls) {}
  Quiescence(const Quiescence&) = delete;
  Quiescence& operator=(const Quiescence&) = delete;

  // A guest thread and the word that its polls change; both stay for ever. Throws bad_alloc where
  // there are too many.
  void add(mtedbg_GuestFrame* frame, int32_t* budget);

  // False where some thread did not come in time: one that is stopped by a debugger, or in a
  // signal handler of somebody's that waits for what the caller holds. Async-signal-safe.
  bool wait(const mtedbg_GuestFrame* self) const;

 private:
  static constexpr uint64_t kPatience = 50'000'000;
  static constexpr size_t kMost = 1024;

  struct Watched {
    std::atomic<mtedbg_GuestFrame*> frame{nullptr};
    int32_t* budget = nullptr;
  };

  bool all_pass(const mtedbg_GuestFrame* self) const;
  static bool has_passed(const Watched& one, uint64_t until);

  const How how_;
  const uint64_t patience_;
  std::atomic<size_t> count_{0};
  std::array<Watched, kMost> threads_;
};

}  // namespace mtetso
