// SPDX-License-Identifier: MIT
#include "memory/quiescence.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <new>

#include "debug/recorder.h"
#include "debug/trace.h"
#include "memory/barriers.h"

namespace mtetso {
void Quiescence::add(mtedbg_GuestFrame* frame, int32_t* budget) {
  const size_t index = count_.fetch_add(1);
  if (index >= kMost) {
    count_.fetch_sub(1);
    throw std::bad_alloc();
  }
  threads_[index].budget = budget;
  threads_[index].frame.store(frame, std::memory_order_release);
}

// A budget that became 0 proves nothing: setting it to 0 is also how a thread is asked to stop.
bool Quiescence::has_passed(const Watched& one, uint64_t until) {
  mtedbg_GuestFrame* frame = one.frame.load(std::memory_order_acquire);
  if (frame == nullptr) return true;  // being added: its thread has not run yet
  const std::atomic_ref budget(*one.budget);
  int32_t seen = budget.load(std::memory_order_acquire);
  for (;;) {
    if (std::atomic_ref(frame->state).load(std::memory_order_acquire) != MTEDBG_ThreadState_Jit)
      return true;
    const int32_t now = budget.load(std::memory_order_acquire);
    if (now != seen && now != 0) return true;
    seen = now;
    if (monotonic_now() > until) return false;
    syscall(SYS_sched_yield);
  }
}

bool Quiescence::wait(const mtedbg_GuestFrame* self) const {
  const bool passed = all_pass(self);
  if (passed && tracing()) trace({.kind = TraceKind::Quiesced});
  return passed;
}

bool Quiescence::all_pass(const mtedbg_GuestFrame* self) const {
  if (how_ == How::Alone) return true;
  if (how_ == How::Restart) {
    restart_sections();
    return true;
  }
  const uint64_t until = monotonic_now() + timeout_;
  for (size_t i = 0; i < count_.load(std::memory_order_acquire); ++i) {
    const Watched& one = threads_[i];
    if (one.frame.load(std::memory_order_relaxed) == self) continue;
    if (!has_passed(one, until)) return false;
  }
  return true;
}

}  // namespace mtetso
