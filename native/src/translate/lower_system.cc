// SPDX-License-Identifier: MIT
//
// What is about the processor: fences, hints, its identity and its clock.

#include "translate/lower.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

// rdtsc is a constant, so that a run repeats.
constexpr uint64_t kTimeStamp = 0x1'0000'0000;

}  // namespace

bool Lower::system(const Decoded& insn) {
  switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_NOP:
    case ZYDIS_MNEMONIC_ENDBR64:
    case ZYDIS_MNEMONIC_ENDBR32:
    // Hints; a prefetch does not touch memory as far as anyone can tell.
    case ZYDIS_MNEMONIC_PREFETCHT0:
    case ZYDIS_MNEMONIC_PREFETCHT1:
    case ZYDIS_MNEMONIC_PREFETCHT2:
    case ZYDIS_MNEMONIC_PREFETCHNTA:
    case ZYDIS_MNEMONIC_PREFETCHW:
      return true;
    case ZYDIS_MNEMONIC_PAUSE:
      masm_.Hint(YIELD);
      return true;
    case ZYDIS_MNEMONIC_MFENCE:
      masm_.Dmb(InnerShareable, BarrierAll);
      return true;
    case ZYDIS_MNEMONIC_LFENCE:
      masm_.Dmb(InnerShareable, BarrierReads);
      return true;
    case ZYDIS_MNEMONIC_SFENCE:
      masm_.Dmb(InnerShareable, BarrierWrites);
      return true;
    case ZYDIS_MNEMONIC_RDTSC:
      masm_.Mov(x0, kTimeStamp & 0xffffffff);
      masm_.Mov(x2, kTimeStamp >> 32);
      return true;
    case ZYDIS_MNEMONIC_CPUID:
      emit_.call(FrameStub::CpuId);
      return true;
    default:
      return false;
  }
}

}  // namespace mtetso
