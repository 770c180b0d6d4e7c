// SPDX-License-Identifier: MIT
//
// A phase of fault handling is a place in the code with a name: a breakpoint there stops before
// the phase's effect, with the effects of all earlier phases done.
//
// MTETSO_PHASE(name, a, b): phase `name` begins here.
//
// One asm statement makes the global label mtetso_phase_<name>, the SDT probe mtetso:<name> with
// the two 64-bit arguments at the same address (a .note.stapsdt entry as <sys/sdt.h> writes it;
// that header cannot put a label of ours on its nop), and a barrier for the compiler: no memory
// effect moves across it. Each name may occur once in the program; if the compiler duplicates the
// code around it, the assembler rejects the second label.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>
#include <span>

#define MTETSO_PHASE(name, a, b)                                                         \
  asm volatile(".globl mtetso_phase_" #name                                              \
               "\n"                                                                      \
               "mtetso_phase_" #name                                                     \
               ":\n"                                                                     \
               "nop\n"                                                                   \
               ".pushsection .note.stapsdt, \"?\", %%note\n"                             \
               ".balign 4\n"                                                             \
               ".4byte 992f - 991f, 994f - 993f, 3\n"                                    \
               "991: .asciz \"stapsdt\"\n"                                               \
               "992: .balign 4\n"                                                        \
               "993: .8byte mtetso_phase_" #name                                         \
               "\n"                                                                      \
               ".8byte _.stapsdt.base\n"                                                 \
               ".8byte 0\n"                                                              \
               ".asciz \"mtetso\"\n"                                                     \
               ".asciz \"" #name                                                         \
               "\"\n"                                                                    \
               ".asciz \"8@%0 8@%1\"\n"                                                  \
               "994: .balign 4\n"                                                        \
               ".popsection\n"                                                           \
               ".ifndef _.stapsdt.base\n"                                                \
               ".pushsection .stapsdt.base, \"aG\", %%progbits, .stapsdt.base, comdat\n" \
               ".weak _.stapsdt.base\n"                                                  \
               ".hidden _.stapsdt.base\n"                                                \
               "_.stapsdt.base: .space 1\n"                                              \
               ".size _.stapsdt.base, 1\n"                                               \
               ".popsection\n"                                                           \
               ".endif\n" ::"r"((uint64_t)(a)),                                          \
               "r"((uint64_t)(b))                                                        \
               : "memory")

namespace mtetso {

// The addresses of these labels, for the debug root. Patching to shared and patching to local take
// the two patch phases in opposite order, so each of the two has two points; patching to either has
// one of PatchAddress.
std::span<const mtedbg_PhasePoint> phase_points();

}  // namespace mtetso
