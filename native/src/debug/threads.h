// SPDX-License-Identifier: MIT
//
// Guest threads as the debugger sees them.
#pragma once

#include <mtedbg/debug_root.h>

#include <atomic>
#include <cstdint>

namespace mtetso {

// Publishes a guest thread and gives it a recorder: frame->thread is set to its mtedbg_Thread.
// frame->thread_id must be set and not 0; the frame stays mapped and readable (take it
// from allocate_frame). `stack_*`: the guest stack, [low, high). Records ThreadStart.
// Throws bad_alloc, and nothing is published. `ended`: the record of a thread that has ended, whose
// frame this was; it becomes the new one's, with its recorder, which is empty again. Null: none.
void register_thread(mtedbg_GuestFrame* frame, uint64_t stack_low, uint64_t stack_high,
                     mtedbg_Thread* ended = nullptr);

// The stack of a thread that has not run yet, where it is known later.
void show_stack(mtedbg_GuestFrame* frame, uint64_t low, uint64_t high);

// Whether there has only ever been one guest thread. That thread may rely on it until it makes
// another: a new thread sees everything that its maker did before. Async-signal-safe.
inline std::atomic<uint32_t> g_registered_threads{0};  // ever
inline bool only_guest_thread() {
  return g_registered_threads.load(std::memory_order_relaxed) == 1;
}

// Called by the host thread that will run this guest thread: sets the record's host_tid.
void bind_host_thread(mtedbg_GuestFrame* frame);

// Records a Migration if the frame's core id has changed since the last event about it.
// Async-signal-safe; for the thread itself.
void note_migration(mtedbg_GuestFrame* frame);
inline void note_core(mtedbg_GuestFrame* frame) {
  if (static_cast<uint32_t>(frame->host_core_id) != frame->noted_core) note_migration(frame);
}

// Sets the frame's state to Exited and records ThreadExit. The record stays.
void thread_exited(mtedbg_GuestFrame* frame, uint64_t status);

// Zeroed dumped memory for a frame (and what the runtime keeps after it), 64-byte aligned, never
// freed.
void* allocate_frame(uint64_t bytes);

}  // namespace mtetso
