// SPDX-License-Identifier: MIT
//
// The handler's own execution of an access [2].
#pragma once

#include <cstdint>

#include "code/memop_words.h"

namespace mtetso {

// Does `access` at `address` (mapped; its tag is ignored) on registers x0..x30, between full
// barriers and without a tag check. A load or store may have any alignment; an atomic access must
// be one that the hardware can do there, because no sequence of others would be atomic.
// Async-signal-safe.
void interpret(const AccessWord& access, uint64_t address, uint64_t* registers);

// The same for an atomic access at any address while no other thread can access it: a load and a
// store.
void interpret_guarded(const AccessWord& access, uint64_t address, uint64_t* registers);

}  // namespace mtetso
