// SPDX-License-Identifier: MIT
//
// On which core a host thread runs: the source of a frame's core id, by option.
//
//   thread       the thread's own: local memory belongs to it, on whatever processor it runs
//   pinned       each thread has one processor (sched_setaffinity), as long as nobody moves it
//   rseq-read    each memop reads struct rseq::cpu_id, which the kernel maintains
//   rseq-strict  the same, and a memop during which the kernel moves the thread starts over
//   lockstep     the schedule assigns cores
//
// A thread's own id does not change, a simulated one is only changed by Process::move(). A pinned
// thread has to leave its processor when that is taken offline, or when another process binds it to
// another one. It may then run while another thread with its tag does. At its next entry, exit, or
// poll that leaves translated code, it gets the tag that no memory has, for good: all that it
// touches from then on becomes shared. In the rseq modes translated code updates the frame's id
// itself, at polls and in each memop (translate/core_id.h); these functions update it at entries
// and exits.
#pragma once

#include <cstdint>

#include "options.h"
#include "run/process.h"

namespace mtetso {

// The number of possible processors: one more than the highest number that the kernel uses.
uint32_t possible_processors();

// The processor that the calling thread runs on.
uint32_t current_processor();

// The calling thread's struct rseq (include/uapi/linux/rseq.h), which glibc has registered; 0 if
// it has not, or the kernel does not support it.
uint64_t rseq_area();

// Sets frame->rseq for a thread that the calling host thread is about to run. Throws StatusError
// if the source needs rseq(2) and there is none.
void bind_core_id(const Options& options, GuestThread& thread);

// In the rseq modes, and of pinned threads: updates the frame's core id, and records an event if it
// changed. Called by the host thread that runs it.
void refresh_core_id(const Options& options, GuestThread& thread);

}  // namespace mtetso
