// SPDX-License-Identifier: MIT
//
// x86-64 instructions to AArch64, one guest instruction at a time.
//
// Each family of instructions has a file, lower_*.cc, with a table of the mnemonics that it knows
// (lowering.h). Here all tables are one. Jumps, calls and returns are the translator's.
#pragma once

#include "translate/emitter.h"

namespace mtetso {

// Emits an instruction whose flow is Next or Branch. False: it is not in the subset, and nothing
// was emitted.
bool lower(Emitter& emitter, const GuestInstruction& insn);

}  // namespace mtetso
