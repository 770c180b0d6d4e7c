// SPDX-License-Identifier: MIT
//
// Waits until no guest thread is between the two words of a memop after having run its old first
// word: needed to weaken a memop in place. [1] is new on every core's instruction stream before the
// wait, so only a thread that ran the old [1] earlier matters. It no longer does when it has
//
//   restarted        rseq-strict: membarrier(2) aborts every critical section, and a memop is one;
//   reached a poll   threads: a poll is never between two words, and each changes the budget;
//   left             generated code, or faulted: it returns to [1] or to an entry;
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
  explicit Quiescence(How how = How::Alone, uint64_t polls = kTimeout)
      : how_(how), timeout_(polls) {}
  Quiescence(const Quiescence&) = delete;
  Quiescence& operator=(const Quiescence&) = delete;

  // A guest thread and the word that its polls change; both stay mapped. Throws bad_alloc if
  // there are too many.
  void add(mtedbg_GuestFrame* frame, int32_t* budget);

  // False if a thread did not get there in time: one that is stopped by a debugger, or runs another
  // component's signal handler that waits for the caller's lock. Async-signal-safe.
  bool wait(const mtedbg_GuestFrame* self) const;

 private:
  static constexpr uint64_t kTimeout = 50'000'000;
  static constexpr size_t kMost = 1024;

  struct Watched {
    std::atomic<mtedbg_GuestFrame*> frame{nullptr};
    int32_t* budget = nullptr;
  };

  bool all_pass(const mtedbg_GuestFrame* self) const;
  static bool has_passed(const Watched& one, uint64_t until);

  const How how_;
  const uint64_t timeout_;
  std::atomic<size_t> count_{0};
  std::array<Watched, kMost> threads_;
};

}  // namespace mtetso
