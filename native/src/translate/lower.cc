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

bool is_cl(const Operand& operand) {
  return operand.is_register() && operand.size == 1 && operand.reg.index == 1 && !operand.reg.high;
}

Operand accumulator(unsigned size) {
  Operand operand;
  operand.kind = Operand::Kind::Register;
  operand.size = static_cast<uint8_t>(size);
  return operand;
}

bool Lower::lower(const Decoded& insn) {
  live_ = insn.lazy_live;
  return insn.lock ? locked(insn) : dispatch(insn);
}

bool Lower::dispatch(const Decoded& insn) {
  switch (insn.mnemonic) {
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
    case ZYDIS_MNEMONIC_XLAT:
      return table_lookup(insn);
    case ZYDIS_MNEMONIC_BSWAP:
      return byte_swap(insn);
    case ZYDIS_MNEMONIC_MOVBE:
      return move_swapped(insn);
    case ZYDIS_MNEMONIC_XCHG:
      return exchange(insn);
    case ZYDIS_MNEMONIC_XADD:
      return exchange_add(insn);
    case ZYDIS_MNEMONIC_CMPXCHG:
      return compare_exchange(insn);
    case ZYDIS_MNEMONIC_CMPXCHG8B:
      return compare_exchange_8(insn);
    case ZYDIS_MNEMONIC_CMPXCHG16B:
      return compare_exchange_16(insn);
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_POP:
    case ZYDIS_MNEMONIC_LEAVE:
    case ZYDIS_MNEMONIC_ENTER:
      return stack(insn);
    case ZYDIS_MNEMONIC_PUSHF:
    case ZYDIS_MNEMONIC_PUSHFQ:
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFQ:
    case ZYDIS_MNEMONIC_LAHF:
    case ZYDIS_MNEMONIC_SAHF:
      return flag_word(insn);
    case ZYDIS_MNEMONIC_CLC:
    case ZYDIS_MNEMONIC_STC:
    case ZYDIS_MNEMONIC_CMC:
    case ZYDIS_MNEMONIC_CLD:
    case ZYDIS_MNEMONIC_STD:
      return one_flag(insn);
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
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
      return double_shift(insn);
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
      return rotate(insn);
    case ZYDIS_MNEMONIC_RCL:
    case ZYDIS_MNEMONIC_RCR:
      return rotate_through_carry(insn);
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC:
      return bit_test(insn);
    case ZYDIS_MNEMONIC_BSF:
    case ZYDIS_MNEMONIC_BSR:
      return bit_scan(insn);
    case ZYDIS_MNEMONIC_TZCNT:
    case ZYDIS_MNEMONIC_LZCNT:
      return count_zeros(insn);
    case ZYDIS_MNEMONIC_POPCNT:
      return count_ones(insn);
    default:
      return string(insn) || system(insn) || condition(insn);
  }
}

}  // namespace mtetso
