// SPDX-License-Identifier: MIT
//
// Guest threads as the debugger sees them.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>

namespace mtetso {

// Publishes a guest thread and gives it a recorder: frame->thread is set to its mtedbg_Thread.
// frame->thread_id must be set and not 0; the frame stays mapped and readable for ever (take it
// from allocate_frame). `stack_*`: the guest stack, [low, high). Records ThreadStart.
// Throws bad_alloc, and nothing is published.
void register_thread(mtedbg_GuestFrame* frame, uint64_t stack_low, uint64_t stack_high);

// Whether there has never been but one guest thread. Whoever runs on it may rely on that until it
// makes another: a thread that is made later is behind all that its maker did. Async-signal-safe.
bool only_guest_thread();

// The host thread that will run this guest thread calls it: sets the record's host_tid.
void bind_host_thread(mtedbg_GuestFrame* frame);

// Whoever finds a frame's core id changed since the last event about it records a Migration.
// Async-signal-safe; for the thread itself.
void note_core(mtedbg_GuestFrame* frame);

// Sets the frame's state to Exited and records ThreadExit. The record stays.
void thread_exited(mtedbg_GuestFrame* frame, uint64_t status);

// Zeroed dumped memory for a frame (with what the runtime has behind it), 64-byte aligned, never
// freed.
void* allocate_frame(uint64_t bytes);

}  // namespace mtetso
