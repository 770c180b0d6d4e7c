// SPDX-License-Identifier: MIT
#include "translate/assembler.h"

namespace mtetso {

namespace {

constexpr uint32_t kMovz = 0x52800000, kMovk = 0x72800000;
constexpr unsigned kPart = 16;  // bits that one MOVZ or MOVK moves

uint32_t part_of(uint64_t value, unsigned i) { return value >> (kPart * i) & 0xffff; }

// Whether one instruction may do for a value of 64 bits: its bits are a run of ones, or the same in
// both halves (a bitmask immediate), or most of its parts are ones (MOVN).
bool may_be_short(uint64_t value) {
  if (std::popcount(value ^ std::rotr(value, 1)) <= 2 || value == std::rotr(value, 32)) return true;
  unsigned zeros = 0, ones = 0;
  for (unsigned i = 0; i < 4; ++i) {
    zeros += part_of(value, i) == 0;
    ones += part_of(value, i) == 0xffff;
  }
  return ones > zeros;
}

}  // namespace

// What VIXL's branches may need before the next look at its pools is within the margin that it
// keeps: it looks 1 KiB ahead (kVeneerEmissionMargin).
void Assembler::make_room() {
  EnsureEmitPoolsFor(kRun * kWord);
  GetBuffer()->EnsureSpaceFor(kRun * kWord);
  left_ = kRun;
}

void Assembler::move_immediate(const Register& rd, uint64_t value) {
  const bool is_wide = rd.Is64Bits();
  if (!is_wide) value &= 0xffff'ffff;
  unsigned used = 0;
  for (unsigned i = 0; i < 4; ++i) used += part_of(value, i) != 0;
  const bool plain = used <= 1 || (is_wide && !may_be_short(value));
  if (rd.GetCode() >= kZero || !plain) return MacroAssembler::Mov(rd, value);
  uint32_t opcode = kMovz;
  for (unsigned i = 0; i < 4; ++i) {
    if (part_of(value, i) == 0 && !(used == 0 && i == 0)) continue;
    word(wide(rd) | opcode | i << 21 | part_of(value, i) << 5 | rd.GetCode());
    opcode = kMovk;
  }
}

}  // namespace mtetso
