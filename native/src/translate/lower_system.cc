// SPDX-License-Identifier: MIT
//
// Instructions about the processor: fences, hints, its identity and its clock.

#include "translate/lowering.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

// rdtsc is a constant, so that a run repeats.
constexpr uint64_t kTimeStamp = 0x1'0000'0000;

// Hints; prefetches and clflush have no visible effect on memory.
bool no_operation(const LoweringContext&) { return true; }

bool pause(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Hint(YIELD);
  return true;
}

template <BarrierType type>
bool fence(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Dmb(InnerShareable, type);
  return true;
}

bool time_stamp(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  masm.Mov(x0, kTimeStamp & 0xffffffff);
  masm.Mov(x2, kTimeStamp >> 32);
  return true;
}

bool cpu_id(const LoweringContext& context) {
  const auto& [emit, masm, insn] = context;
  emit.call(FrameStub::CpuId);
  return true;
}

}  // namespace

LoweringRows system_rows() {
  static constexpr LoweringRow rows[] = {
      {ZYDIS_MNEMONIC_NOP, no_operation},
      {ZYDIS_MNEMONIC_ENDBR64, no_operation},
      {ZYDIS_MNEMONIC_ENDBR32, no_operation},
      // Of a processor without shadow stacks: hints, which leave their operand as it is.
      {ZYDIS_MNEMONIC_RDSSPD, no_operation},
      {ZYDIS_MNEMONIC_RDSSPQ, no_operation},
      {ZYDIS_MNEMONIC_PREFETCHT0, no_operation},
      {ZYDIS_MNEMONIC_PREFETCHT1, no_operation},
      {ZYDIS_MNEMONIC_PREFETCHT2, no_operation},
      {ZYDIS_MNEMONIC_PREFETCHNTA, no_operation},
      {ZYDIS_MNEMONIC_PREFETCHW, no_operation},
      {ZYDIS_MNEMONIC_CLFLUSH, no_operation},
      {ZYDIS_MNEMONIC_PAUSE, pause},
      {ZYDIS_MNEMONIC_MFENCE, fence<BarrierAll>},
      {ZYDIS_MNEMONIC_LFENCE, fence<BarrierReads>},
      {ZYDIS_MNEMONIC_SFENCE, fence<BarrierWrites>},
      {ZYDIS_MNEMONIC_RDTSC, time_stamp},
      {ZYDIS_MNEMONIC_CPUID, cpu_id},
  };
  return rows;
}

}  // namespace mtetso
