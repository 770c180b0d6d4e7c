// SPDX-License-Identifier: MIT
//
// Shared stubs that generated code calls for what is too long to stand in it each time. They are
// entered with the address to return to in x24, use only temporaries and what they are said to
// change, and lie in the shared stubs' block.
#pragma once

#include "translate/emitter.h"

namespace mtetso {

// rdx:rax by t1 (x19), unsigned or signed: t3 = quotient, t4 = remainder; NZCV is used. Where there
// is no quotient that fits, goes to `fault` with x17 as it was on entry.
void emit_divide(a64::MacroAssembler& masm, bool is_signed, a64::Label* fault);

// cpuid: eax and ecx to eax, ebx, ecx, edx. What it tells is what the translator can do, and the
// same everywhere; flags stay.
void emit_cpuid(a64::MacroAssembler& masm);

}  // namespace mtetso
