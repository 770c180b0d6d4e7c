// SPDX-License-Identifier: MIT
//
// What a processor's exception is for a Linux program (the kernel's arch/x86/kernel/traps.c,
// arch/x86/mm/fault.c).
#pragma once

#include "linux/signals.h"
#include "run/system_calls.h"

namespace mtetso {

// `address`: for BadAddress, FileEnd and NoCode, as the program has it.
GuestTrap describe_trap(Trap what, uint64_t rip, uint64_t address);

}  // namespace mtetso
