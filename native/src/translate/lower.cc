// SPDX-License-Identifier: MIT

#include "translate/lower.h"

namespace mtetso {
namespace {

bool is_width(unsigned size) { return size == 1 || size == 2 || size == 4 || size == 8; }

}  // namespace

bool is_place(const Operand& operand) {
  return (operand.is_register() || operand.is_memory()) && is_width(operand.size);
}

bool is_value(const Operand& operand) {
  return is_place(operand) || (operand.is_immediate() && is_width(operand.size));
}

bool Lower::lower(const Decoded& insn) {
  if (insn.lock) return locked(insn);
  switch (insn.mnemonic) {
    case ZYDIS_MNEMONIC_NOP:
    case ZYDIS_MNEMONIC_ENDBR64:
      return true;
    case ZYDIS_MNEMONIC_PAUSE:
      masm_.Hint(a64::YIELD);
      return true;
    case ZYDIS_MNEMONIC_MFENCE:
      masm_.Dmb(a64::InnerShareable, a64::BarrierAll);
      return true;
    case ZYDIS_MNEMONIC_LFENCE:
      masm_.Dmb(a64::InnerShareable, a64::BarrierReads);
      return true;
    case ZYDIS_MNEMONIC_SFENCE:
      masm_.Dmb(a64::InnerShareable, a64::BarrierWrites);
      return true;
    case ZYDIS_MNEMONIC_MOV:
      return move(insn);
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
      return move_extended(insn);
    case ZYDIS_MNEMONIC_LEA:
      return load_address(insn);
    case ZYDIS_MNEMONIC_CBW:
    case ZYDIS_MNEMONIC_CWDE:
    case ZYDIS_MNEMONIC_CDQE:
    case ZYDIS_MNEMONIC_CWD:
    case ZYDIS_MNEMONIC_CDQ:
    case ZYDIS_MNEMONIC_CQO:
      return sign_extend_accumulator(insn);
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_POP:
    case ZYDIS_MNEMONIC_LEAVE:
      return stack(insn);
    case ZYDIS_MNEMONIC_BSWAP:
      return byte_swap(insn);
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_STOSQ:
    case ZYDIS_MNEMONIC_MOVSB:
    case ZYDIS_MNEMONIC_MOVSW:
    case ZYDIS_MNEMONIC_MOVSD:
    case ZYDIS_MNEMONIC_MOVSQ:
      return string(insn);
    case ZYDIS_MNEMONIC_XCHG:
      return exchange(insn);
    case ZYDIS_MNEMONIC_XADD:
      return exchange_add(insn);
    case ZYDIS_MNEMONIC_CMPXCHG:
      return compare_exchange(insn);
    case ZYDIS_MNEMONIC_ADD:
      return alu(insn, Alu::Add);
    case ZYDIS_MNEMONIC_ADC:
      return alu(insn, Alu::Adc);
    case ZYDIS_MNEMONIC_SUB:
      return alu(insn, Alu::Sub);
    case ZYDIS_MNEMONIC_SBB:
      return alu(insn, Alu::Sbb);
    case ZYDIS_MNEMONIC_AND:
      return alu(insn, Alu::And);
    case ZYDIS_MNEMONIC_OR:
      return alu(insn, Alu::Or);
    case ZYDIS_MNEMONIC_XOR:
      return alu(insn, Alu::Xor);
    case ZYDIS_MNEMONIC_CMP:
      return alu(insn, Alu::Sub, false);
    case ZYDIS_MNEMONIC_TEST:
      return alu(insn, Alu::And, false);
    case ZYDIS_MNEMONIC_INC:
    case ZYDIS_MNEMONIC_DEC:
      return increment(insn);
    case ZYDIS_MNEMONIC_NEG:
    case ZYDIS_MNEMONIC_NOT:
      return negate(insn);
    case ZYDIS_MNEMONIC_IMUL:
    case ZYDIS_MNEMONIC_MUL:
      return multiply(insn);
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
      return divide(insn);
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
      return shift(insn);
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
      return rotate(insn);
    case ZYDIS_MNEMONIC_BT:
      return bit_test(insn);
    case ZYDIS_MNEMONIC_BSF:
    case ZYDIS_MNEMONIC_BSR:
      return bit_scan(insn);
    default:
      return condition(insn);
  }
}

}  // namespace mtetso
