// SPDX-License-Identifier: MIT
//
// How generated code reads the core that it runs on, in the two modes in which the kernel provides
// it (run/core_ids.h). None of it sets flags.
//
//   ldr  x26, [x28, #rseq]             the thread's struct rseq
//   ldr  w27, [x26, #cpu_id]           kept by the kernel whenever it moves the thread
//   sub  x27, x27, #tagged             the core's tag: min(cpu, tagged) + first (options.h)
//   and  x27, x27, x27, asr #63
//   add  x27, x27, #tagged + first
//   str  x27, [x28, #host_core_id]
//
// A memop of rseq-strict is a critical section of rseq(2), from after the store of its description
// to after the access:
//
//   begin:  mov  x25, description      struct rseq_cs, in dumped memory (code/sections.h)
//           ldr  x26, [x28, #rseq]
//           str  x25, [x26, #rseq_cs]
//   start:  ldr  w27, [x26, #cpu_id] … as above
//           [1]
//           [2]
//   end:
//
//           .word signature            what the C library has registered with
//   abort:  b    begin
//
// The kernel reads the description when it preempts or moves the thread, or delivers a signal to
// it: inside, it clears the pointer and sends the thread to `abort`. If there were an instruction
// between the store and `start`, an interruption there would clear the pointer and the thread would
// continue unprotected. The pointer may stay set after the end: the kernel clears it when it finds
// it stale, the next memop overwrites it, and leaving generated code clears it, so that no block is
// freed while a description of it is set.
#pragma once

#include <aarch64/macro-assembler-aarch64.h>

#include <cstdint>

#include "code/sections.h"
#include "options.h"

namespace mtetso {

class CoreIdReader {
 public:
  explicit CoreIdReader(const Options& options) : options_(options) {}

  bool reads() const { return reads_rseq(options_); }
  bool strict() const { return options_.core_id_source == MTEDBG_CoreIdSource_RseqStrict; }

  // The number of words before [1].
  uint32_t words() const {
    return !reads() ? 0 : strict() ? kArmWords + kReadWords - 1 : kReadWords;
  }

  // Emits them, inside of an ExactAssemblyScope. x25 and x26, VIXL's scratch, are used.
  void emit(vixl::aarch64::MacroAssembler& masm) const;
  // Only the reading, for polls.
  void emit_reading(vixl::aarch64::MacroAssembler& masm) const;
  // Clears the pointer to the description; `temporary` is used.
  void emit_disarm(vixl::aarch64::MacroAssembler& masm,
                   const vixl::aarch64::Register& temporary) const;

 private:
  static constexpr uint32_t kReadWords = 6;

  void arm(vixl::aarch64::MacroAssembler& masm) const;
  void read(vixl::aarch64::MacroAssembler& masm) const;

  const Options& options_;
};

}  // namespace mtetso
