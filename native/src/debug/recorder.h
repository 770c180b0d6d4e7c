// SPDX-License-Identifier: MIT
//
// The flight recorder: a ring of fixed records for each guest thread, in dumped memory, written
// without locks and readable after death.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>

namespace mtetso {

inline constexpr uint32_t kRecorderCapacity = 4096;  // events kept for each thread

// A recorder with its ring, from the debug arena; never freed. Throws bad_alloc.
mtedbg_Recorder* make_recorder(uint64_t thread_id);

// Empties one whose thread has ended; it is another thread's then. Nobody may record in it.
void clear_recorder(mtedbg_Recorder& recorder, uint64_t thread_id);

// One event. The meaning of old and new depends on it: Fault: logical and allocation tag; Retag:
// the two allocation tags; Patch: the two modes; Migration: the two core tags; TierCommit: block id
// and tier; LazyStub: guest RIP and host entry; Interpret and Retry: 0; Pin: new is the number of
// flips; ThreadStart and ThreadExit: the thread's id, and its host thread or status.
struct FlightEvent {
  uint32_t event = 0;  // MTEDBG_Event_*
  uint64_t memop = 0;  // id, 0 where none
  uint64_t address = 0;
  uint64_t old_value = 0;
  uint64_t new_value = 0;
  uint64_t time = 0;  // 0: now. Events of one fault share one reading of the clock
};

// CLOCK_MONOTONIC in nanoseconds. Async-signal-safe.
uint64_t monotonic_now();

// Appends to the ring of `frame`'s thread, or to the process's own if frame is null or not
// registered. Lock-free, async-signal-safe, may interrupt itself.
void record(const mtedbg_GuestFrame* frame, const FlightEvent& happened);

}  // namespace mtetso
