// SPDX-License-Identifier: MIT
#include "translate/core_id.h"

#include <linux/rseq.h>

#include <cstddef>

#include "translate/frame.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT: the instruction set is the vocabulary here

namespace {

const Register kDescription = x25, kArea = x26, kTag = x27, kFrame = x28;

MemOperand in_frame(size_t offset) { return MemOperand(kFrame, static_cast<int64_t>(offset)); }
MemOperand in_area(size_t offset) { return MemOperand(kArea, static_cast<int64_t>(offset)); }

}  // namespace

// The zeros are replaced when the code is placed (code/sections.cc).
void CoreIdReader::arm(MacroAssembler& masm) const {
  masm.movz(kDescription, 0, 0);
  masm.movk(kDescription, 0, 16);
  masm.movk(kDescription, 0, 32);
  masm.ldr(kArea, in_frame(offsetof(mtedbg_GuestFrame, rseq)));
  masm.str(kDescription, in_area(offsetof(struct rseq, rseq_cs)));
}

void CoreIdReader::read(MacroAssembler& masm) const {
  const CoreTags tags = core_tags(options_);
  masm.ldr(kTag.W(), in_area(offsetof(struct rseq, cpu_id)));
  masm.sub(kTag, kTag, vixl::aarch64::Operand(tags.tagged));
  masm.and_(kTag, kTag, vixl::aarch64::Operand(kTag, ASR, 63));
  masm.add(kTag, kTag, vixl::aarch64::Operand(tags.tagged + tags.first));
  masm.str(kTag, in_frame(offsetof(mtedbg_GuestFrame, host_core_id)));
}

void CoreIdReader::emit(MacroAssembler& masm) const {
  if (!reads()) return;
  if (strict())
    arm(masm);
  else
    masm.ldr(kArea, in_frame(offsetof(mtedbg_GuestFrame, rseq)));
  read(masm);
}

void CoreIdReader::emit_reading(MacroAssembler& masm) const {
  if (!reads()) return;
  vixl::ExactAssemblyScope exact(&masm, kReadWords * kInstructionSize);
  masm.ldr(kArea, in_frame(offsetof(mtedbg_GuestFrame, rseq)));
  read(masm);
}

void CoreIdReader::emit_disarm(MacroAssembler& masm, const Register& temporary) const {
  if (!strict()) return;
  masm.Ldr(temporary, in_frame(offsetof(mtedbg_GuestFrame, rseq)));
  masm.Str(xzr, MemOperand(temporary, offsetof(struct rseq, rseq_cs)));
}

}  // namespace mtetso
