// SPDX-License-Identifier: MIT
//
// Barriers on every core, and instruction caches.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mtetso {

// Registers this process for the expedited commands; once, before the first thread is made.
// False with errno set where the kernel has them not.
bool register_barriers();

// A full memory barrier on every core that runs a thread of this process, before it returns
// (membarrier(2), PRIVATE_EXPEDITED). Async-signal-safe.
void barrier_everywhere();

// The same, and every core's instruction stream is synchronised before it runs user code again
// (PRIVATE_EXPEDITED_SYNC_CORE; Arm ARM B2.2.5).
void synchronize_cores();

// Makes words written through `write` visible to execution through `execute` (two mappings of the
// same memory): dc cvau, dsb ish, ic ivau, dsb ish, isb (Arm ARM B2.4.4). Other cores need
// synchronize_cores() besides.
void clean_code(const void* write, const void* execute, size_t length);

}  // namespace mtetso
