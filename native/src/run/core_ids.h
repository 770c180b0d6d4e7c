// SPDX-License-Identifier: MIT
//
// On which core a host thread runs: the source of a frame's core id, by option.
//
//   pinned       each thread has one processor (sched_setaffinity); the id cannot change
//   rseq-read    each memop reads the kernel's own word on it, struct rseq::cpu_id
//   rseq-strict  the same, and a memop during which the kernel moves the thread starts over
//   lockstep     cores are a matter of the schedule
//
// A pinned or simulated id is only changed by Process::move(). In the rseq modes translated code
// keeps the frame's id true by itself, at polls and in each memop (translate/core_id.h); here is
// what C++ does at entries and exits.
#pragma once

#include <cstdint>

#include "options.h"
#include "translate/frame.h"

namespace mtetso {

// Processors that there can be: one more than the highest number that the kernel gives.
uint32_t possible_processors();

// Where the calling thread runs now.
uint32_t current_processor();

// The calling thread's struct rseq (include/uapi/linux/rseq.h), which glibc has registered; 0 where
// it has not, or the kernel has none.
uint64_t rseq_area();

// Sets frame->rseq for a thread that the calling host thread is about to run. Throws StatusError
// where the source needs what is not there.
void bind_core_id(const Options& options, Frame& frame);

// In the rseq modes: the frame's core id as the kernel has it now, and an event where it changed.
void refresh_core_id(const Options& options, Frame& frame);

}  // namespace mtetso
