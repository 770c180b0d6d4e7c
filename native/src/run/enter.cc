// SPDX-License-Identifier: MIT
#include "run/enter.h"

// The frame record is AAPCS64 6.2.3's; register numbers in .cfi lines are DWARF's (AADWARF64 4.1).
asm(R"(
  .text
  .align 2
  .globl mtetso_enter_jit
  .hidden mtetso_enter_jit
  .type mtetso_enter_jit, %function
mtetso_enter_jit:
  .cfi_startproc
  stp x29, x30, [sp, #-16]!
  .cfi_def_cfa_offset 16
  .cfi_offset x29, -16
  .cfi_offset x30, -8
  mov x29, sp
  .cfi_def_cfa x29, 16
  blr x2
  ldp x29, x30, [sp], #16
  .cfi_def_cfa sp, 0
  .cfi_restore x29
  .cfi_restore x30
  ret
  .cfi_endproc
  .size mtetso_enter_jit, . - mtetso_enter_jit
)");
