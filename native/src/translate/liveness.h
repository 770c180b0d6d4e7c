// SPDX-License-Identifier: MIT
//
// Liveness of the flags that are kept in the frame.
//
// PF and AF cost a store each time they are written, and few instructions read them: jp, setp,
// cmovp, lahf and pushf. Control flow out of the given instructions counts as a reader.
#pragma once

#include <cstdint>
#include <span>

#include "translate/decoder.h"

namespace mtetso {

// Sets `lazy_live` of every instruction; they are sorted by RIP. Mostly linear in their number, and
// bounded by it but for a logarithm: where the flow is very tangled, flags count as live.
void find_live_flags(std::span<GuestInstruction* const> instructions);

}  // namespace mtetso
