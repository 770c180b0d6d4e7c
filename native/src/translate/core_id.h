// SPDX-License-Identifier: MIT
//
// How generated code learns on which core it runs, in the two modes in which the kernel says so
// (run/core_ids.h). None of it sets flags.
//
//   ldr  x26, [x28, #rseq]             the thread's struct rseq
//   ldr  w27, [x26, #cpu_id]           kept by the kernel whenever it moves the thread
//   sub  x27, x27, #tagged             the core's tag: min(cpu, tagged) + first (options.h)
//   and  x27, x27, x27, asr #63
//   add  x27, x27, #tagged + first
//   str  x27, [x28, #host_core_id]
//
// A memop of rseq-strict is a critical section of rseq(2), from behind the store of its description
// to behind the access:
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
// The kernel looks at the description when it preempts or moves the thread, or delivers a signal to
// it: inside, it takes the pointer back and sends the thread to `abort`. Were there an instruction
// between the store and `start`, an interruption there would take the pointer back and let the
// thread go on unprotected. The pointer may stay behind the end: the kernel clears it when it finds
// it stale, the next memop overwrites it, and leaving generated code clears it, so that no block
// goes while a description of it is set.
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

  // Words that come before [1], and the number of those before the critical section.
  uint32_t words() const {
    return !reads() ? 0 : strict() ? kArmWords + kReadWords - 1 : kReadWords;
  }
  uint32_t start() const { return kArmWords; }

  // Emits them: for inside of an ExactAssemblyScope. x25 and x26, VIXL's scratch, are used.
  void emit(vixl::aarch64::MacroAssembler& masm) const;
  // Only the reading, for polls.
  void emit_reading(vixl::aarch64::MacroAssembler& masm) const;
  // Nothing of what may go is described to the kernel any more; `temporary` is used.
  void emit_disarm(vixl::aarch64::MacroAssembler& masm,
                   const vixl::aarch64::Register& temporary) const;

 private:
  static constexpr uint32_t kReadWords = 6;

  void arm(vixl::aarch64::MacroAssembler& masm) const;
  void read(vixl::aarch64::MacroAssembler& masm) const;

  const Options& options_;
};

}  // namespace mtetso
