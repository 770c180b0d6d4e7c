// SPDX-License-Identifier: MIT
//
// Barriers on every core, and instruction caches.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mtetso {

// Registers this process for the expedited commands; once, before the first thread is made.
// False with errno set if the kernel does not have them.
bool register_barriers();

// A full memory barrier on every core that runs a thread of this process, before it returns
// (membarrier(2), PRIVATE_EXPEDITED). Async-signal-safe.
void barrier_everywhere();

// After a tag was changed: completes, on every core, every access that passed its check by the old
// tag. Two barriers: the first waits for stores, and for the checks of loads. A load itself may be
// done before its own check (the architecture's model with tags, aarch64hwreqs.cat, orders neither
// after the other); only accesses after the first barrier are certainly ordered after it.
void settle_accesses();

// The same as barrier_everywhere() (membarrier(2): "in addition to the memory ordering
// guarantees"), and every core's instruction stream is synchronised before it runs user code again
// (PRIVATE_EXPEDITED_SYNC_CORE; Arm ARM B2.2.5).
void synchronize_cores();

// Registers for restart_sections(); false with errno set if the kernel has no rseq(2).
bool register_restarts();

// Every thread of this process that is in a critical section of rseq(2) goes to its abort handler
// (PRIVATE_EXPEDITED_RSEQ, Linux 5.10). Async-signal-safe.
void restart_sections();

// Makes words written through `write` visible to execution through `execute` (two mappings of the
// same memory): dc cvau, dsb ish, ic ivau, dsb ish, isb (Arm ARM B2.4.4). Other cores also
// need synchronize_cores().
void clean_code(const void* write, const void* execute, size_t length);

}  // namespace mtetso
