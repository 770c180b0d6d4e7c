// SPDX-License-Identifier: MIT
//
// Descriptions for the kernel of memops that are critical sections of rseq(2)
// (translate/core_id.h): a struct rseq_cs for each, in dumped memory, and its address in the
// memop's first three words.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstdint>
#include <span>

#include "compiled.h"
#include "debug/arena.h"

namespace mtetso {

// What the C library registers rseq(2) with on AArch64 (glibc's RSEQ_SIG: BRK #0x45e0). It stands
// before each abort handler.
inline constexpr uint32_t kRseqSignature = 0xd428bc00;

// Words of a memop before its section: the address of the description, the area, the store.
inline constexpr uint32_t kArmWords = 5;

// Fills in restart_address and abort_address of a block's memops, and describes those that are
// sections; returns these, sorted by abort_address. `words`: the code where it is written now.
// All of it is in `memory`. Throws bad_alloc.
std::span<mtedbg_Memop*> describe_sections(const CompiledCode& code, uint64_t base,
                                           std::span<mtedbg_Memop> memops, uint32_t* words,
                                           ArenaPieces& memory);

// Null, or what is wrong with a memop's offsets.
const char* find_section_fault(const CompiledCode& code, const CompiledMemop& memop);

}  // namespace mtetso
