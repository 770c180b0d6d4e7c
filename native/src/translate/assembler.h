// SPDX-License-Identifier: MIT
//
// VIXL's macro assembler, with the instructions that generated code mostly consists of encoded in
// line. VIXL takes many calls for each: operands as objects, checks of its buffer and pools,
// several layers of encoding. The words are the same (tests/translate/assembler_words.cc); a form
// that is not known here goes to VIXL.
//
// Encodings: Arm ARM C6.2.
#pragma once

#include <aarch64/macro-assembler-aarch64.h>

#include <bit>
#include <concepts>
#include <cstdint>

namespace mtetso {

class Assembler : public vixl::aarch64::MacroAssembler {
 public:
  using Register = vixl::aarch64::Register;
  static constexpr unsigned kWord = 4;

  Assembler() : MacroAssembler(kCapacity) {}

  // One word, which is an instruction that VIXL need not know.
  void word(uint32_t word) {
    ensure(1);
    --left_;
    GetBuffer()->Emit32(word);
  }

  // The next `words` calls of word() are adjacent, as long as no other member is called: VIXL may
  // put a pool of veneers in between. At most kRun.
  void ensure(uint32_t words) {
    if (left_ < words || GetBuffer()->GetRemainingBytes() < words * kWord) make_room();
  }
  static constexpr uint32_t kRun = 32;

  // The word at an offset that was emitted already.
  void set_word(uint32_t offset, uint32_t word) {
    GetBuffer()->UpdateData(offset, &word, sizeof word);
  }

  // Loads and stores at `offset` from `base`: a multiple of the size, below 4096 times it.
  void load(const Register& to, const Register& base, uint32_t offset) {
    word(field(to.Is64Bits() ? 0xf9400000 : 0xb9400000, to, base, offset, to.Is64Bits() ? 3 : 2));
  }
  void store(const Register& from, const Register& base, uint32_t offset) {
    word(field(from.Is64Bits() ? 0xf9000000 : 0xb9000000, from, base, offset,
               from.Is64Bits() ? 3 : 2));
  }
  void store_byte(const Register& from, const Register& base, uint32_t offset) {
    word(field(0x39000000, from, base, offset, 0));
  }

  // rd = rn + (rm << shift), X registers.
  void add_shifted(const Register& rd, const Register& rn, const Register& rm, unsigned shift) {
    word(0x8b000000 | rm.GetCode() << 16 | shift << 10 | rn.GetCode() << 5 | rd.GetCode());
  }

#define MTETSO_OTHER_FORMS(name) \
  template <typename... Ts>      \
  void name(const Ts&... of) {   \
    MacroAssembler::name(of...); \
  }

  void Mov(const Register& rd, const Register& rn) {
    if (!alike(rd, rn)) return MacroAssembler::Mov(rd, rn);
    if (rd.Is64Bits() && rd.GetCode() == rn.GetCode()) return;
    word(wide(rd) | 0x2a0003e0 | rn.GetCode() << 16 | rd.GetCode());
  }
  void Mov(const Register& rd, std::integral auto value) {
    move_immediate(rd, static_cast<uint64_t>(value));
  }
  MTETSO_OTHER_FORMS(Mov)

#define MTETSO_ADD_SUB(name, of_registers, of_immediate)                                          \
  void name(const Register& rd, const Register& rn, const Register& rm) {                         \
    if (!alike(rd, rn) || !alike(rd, rm) || rm.GetCode() == kZero)                                \
      return MacroAssembler::name(rd, rn, rm);                                                    \
    three(of_registers, rd, rn, rm);                                                              \
  }                                                                                               \
  void name(const Register& rd, const Register& rn, std::integral auto value) {                   \
    const auto by = static_cast<int64_t>(value);                                                  \
    if (!alike(rd, rn) || rd.GetCode() == kZero || rn.GetCode() == kZero || by <= 0 || by > 4095) \
      return MacroAssembler::name(rd, rn, vixl::aarch64::Operand(by));                            \
    word(wide(rd) | of_immediate | static_cast<uint32_t>(by) << 10 | rn.GetCode() << 5 |          \
         rd.GetCode());                                                                           \
  }                                                                                               \
  MTETSO_OTHER_FORMS(name)
  MTETSO_ADD_SUB(Add, 0x0b000000, 0x11000000)
  MTETSO_ADD_SUB(Sub, 0x4b000000, 0x51000000)
  MTETSO_ADD_SUB(Adds, 0x2b000000, 0x31000000)
  MTETSO_ADD_SUB(Subs, 0x6b000000, 0x71000000)
#undef MTETSO_ADD_SUB

#define MTETSO_LOGIC(name, of_registers)                                           \
  void name(const Register& rd, const Register& rn, const Register& rm) {          \
    if (!alike(rd, rn) || !alike(rd, rm)) return MacroAssembler::name(rd, rn, rm); \
    three(of_registers, rd, rn, rm);                                               \
  }                                                                                \
  MTETSO_OTHER_FORMS(name)
  MTETSO_LOGIC(And, 0x0a000000)
  MTETSO_LOGIC(Orr, 0x2a000000)
  MTETSO_LOGIC(Eor, 0x4a000000)
#undef MTETSO_LOGIC

  void Tst(const Register& rn, const Register& rm) {
    if (!alike(rn, rm)) return MacroAssembler::Tst(rn, rm);
    word(wide(rn) | 0x6a00001f | rm.GetCode() << 16 | rn.GetCode() << 5);
  }
  MTETSO_OTHER_FORMS(Tst)

  // The shifts and extracts of bits that are UBFM, SBFM and BFM.
  void Lsl(const Register& rd, const Register& rn, std::integral auto by) {
    const auto bits = static_cast<unsigned>(rd.GetSizeInBits()), shift = static_cast<unsigned>(by);
    if (!alike(rd, rn) || shift >= bits) return MacroAssembler::Lsl(rd, rn, shift);
    bitfield(kUnsigned, rd, rn, (bits - shift) % bits, bits - 1 - shift);
  }
  MTETSO_OTHER_FORMS(Lsl)
  void Lsr(const Register& rd, const Register& rn, std::integral auto by) {
    const auto bits = static_cast<unsigned>(rd.GetSizeInBits()), shift = static_cast<unsigned>(by);
    if (!alike(rd, rn) || shift >= bits) return MacroAssembler::Lsr(rd, rn, shift);
    bitfield(kUnsigned, rd, rn, shift, bits - 1);
  }
  MTETSO_OTHER_FORMS(Lsr)
  void Ubfx(const Register& rd, const Register& rn, unsigned low, unsigned width) {
    if (!alike(rd, rn)) return MacroAssembler::Ubfx(rd, rn, low, width);
    bitfield(kUnsigned, rd, rn, low, low + width - 1);
  }
  void Sbfx(const Register& rd, const Register& rn, unsigned low, unsigned width) {
    if (!alike(rd, rn)) return MacroAssembler::Sbfx(rd, rn, low, width);
    bitfield(kSigned, rd, rn, low, low + width - 1);
  }
  void Bfi(const Register& rd, const Register& rn, unsigned low, unsigned width) {
    const auto bits = static_cast<unsigned>(rd.GetSizeInBits());
    if (!alike(rd, rn)) return MacroAssembler::Bfi(rd, rn, low, width);
    bitfield(kInsert, rd, rn, (bits - low) % bits, width - 1);
  }

  void Cfinv() { word(0xd500401f); }
  void Br(const Register& xn) { word(0xd61f0000 | xn.GetCode() << 5); }
#undef MTETSO_OTHER_FORMS

 private:
  static constexpr size_t kCapacity = 64 << 10;  // of most translations: growing is a system call
  static constexpr unsigned kZero = 31;
  static constexpr uint32_t kSigned = 0x13000000, kInsert = 0x33000000, kUnsigned = 0x53000000;

  // Of one width, and neither is SP, whose code is above those of the encodings.
  static bool alike(const Register& a, const Register& b) {
    return a.GetSizeInBits() == b.GetSizeInBits() && (a.GetCode() | b.GetCode()) <= kZero;
  }
  static uint32_t wide(const Register& of) { return of.Is64Bits() ? 1u << 31 : 0; }

  void three(uint32_t opcode, const Register& rd, const Register& rn, const Register& rm) {
    word(wide(rd) | opcode | rm.GetCode() << 16 | rn.GetCode() << 5 | rd.GetCode());
  }
  void bitfield(uint32_t opcode, const Register& rd, const Register& rn, unsigned r, unsigned s) {
    const uint32_t n = rd.Is64Bits() ? 1u << 22 : 0;
    word(wide(rd) | n | opcode | r << 16 | s << 10 | rn.GetCode() << 5 | rd.GetCode());
  }
  static uint32_t field(uint32_t opcode, const Register& rt, const Register& base, uint32_t offset,
                        unsigned scale) {
    return opcode | offset >> scale << 10 | base.GetCode() << 5 | rt.GetCode();
  }
  void move_immediate(const Register& rd, uint64_t value);
  void make_room();

  uint32_t left_ = 0;  // words until pools have to be looked at again
};

}  // namespace mtetso
