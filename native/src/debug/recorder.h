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
};

// CLOCK_MONOTONIC in nanoseconds. Async-signal-safe.
uint64_t monotonic_now();

// The parts of an event, in registers.
void append_event(const mtedbg_GuestFrame* frame, uint32_t event, uint64_t memop, uint64_t address,
                  uint64_t old_value, uint64_t new_value, uint64_t time);

// Appends to the ring of `frame`'s thread, or to the process's own if frame is null or not
// registered. `time` is of monotonic_now(): events of one fault share one reading of the clock.
// Lock-free, async-signal-safe, may interrupt itself.
inline void record_at(uint64_t time, const mtedbg_GuestFrame* frame, const FlightEvent& happened) {
  append_event(frame, happened.event, happened.memop, happened.address, happened.old_value,
               happened.new_value, time);
}

// The same, now.
inline void record(const mtedbg_GuestFrame* frame, const FlightEvent& happened) {
  record_at(monotonic_now(), frame, happened);
}

}  // namespace mtetso
