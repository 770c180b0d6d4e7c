// SPDX-License-Identifier: MIT
//
// Vector registers and memory. Accesses go through general registers: the memops of 1 to 8 bytes
// are the only ones. x86 promises no atomicity of 16 bytes (SDM volume 3, 9.1.1, without AVX), and
// two memops keep the order of the halves.

#include "translate/emitter.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT: the instruction set is the vocabulary here

namespace {

constexpr unsigned kHalf = 8;

}  // namespace

void Emitter::load_vector(const VRegister& to, unsigned size) {
  load(reg::t1, size <= kHalf ? size : kHalf);
  if (size == 4) return masm_.Fmov(to.S(), reg::t1.W());
  if (size == kHalf) return masm_.Fmov(to.D(), reg::t1);
  masm_.Add(reg::address, reg::address, kHalf);
  load(reg::t2, kHalf);
  masm_.Fmov(to.D(), reg::t1);
  masm_.Ins(to.V2D(), 1, reg::t2);
}

void Emitter::store_vector(const VRegister& from, unsigned size) {
  if (size == 4) {
    masm_.Fmov(reg::t1.W(), from.S());
    return store(reg::t1, size);
  }
  masm_.Fmov(reg::t1, from.D());
  if (size > kHalf) masm_.Umov(reg::t2, from.V2D(), 1);
  store(reg::t1, kHalf);
  if (size == kHalf) return;
  masm_.Add(reg::address, reg::address, kHalf);
  store(reg::t2, kHalf);
}

void Emitter::check_alignment() {
  const uint64_t rip = next_memop_.guest_rip;
  masm_.And(reg::target, reg::address, 15);
  masm_.Cbnz(reg::target, cold([this, rip] {
               masm_.Mov(reg::t2, reg::address);
               leave(FrameStub::Misaligned, rip);
             }));
}

VRegister Emitter::read_vector(const Operand& operand, unsigned size, const VRegister& temporary) {
  if (operand.is_vector()) return xmm(operand.reg.index);
  address(operand.memory);
  if (size == 16) check_alignment();
  load_vector(temporary, size);
  return temporary;
}

void Emitter::call_float_helper(uint32_t what, uint64_t rip) {
  masm_.Mov(reg::target, rip);
  masm_.Mov(reg::t2.W(), what);
  call(FrameStub::Float);
}

void Emitter::call_x87_helper(uint32_t what, uint64_t rip) {
  masm_.Mov(reg::target, rip);
  masm_.Mov(reg::t2.W(), what);
  call(FrameStub::X87);
}

}  // namespace mtetso
