// SPDX-License-Identifier: MIT
//
// Shared stubs that generated code calls for long sequences. They are entered with the return
// address in x24, change only temporaries and the registers below, and are in the shared stubs'
// block.
#pragma once

#include "translate/emitter.h"

namespace mtetso {

// rdx:rax by t1 (x19), unsigned or signed: t3 = quotient, t4 = remainder; NZCV is used. If the
// quotient does not fit, goes to `fault` with x17 as it was on entry.
void emit_divide(a64::MacroAssembler& masm, bool is_signed, a64::Label* fault);

// cpuid: eax and ecx to eax, ebx, ecx, edx. It reports what the translator supports, the
// same on every host; flags stay.
void emit_cpuid(a64::MacroAssembler& masm);

}  // namespace mtetso
