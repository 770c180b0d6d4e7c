// SPDX-License-Identifier: MIT
//
// The x86-64 front end: Zydis' description of an instruction, reduced to what lowering needs.
#pragma once

#include <Zydis/Zydis.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace mtetso {

// A general register, or the second byte of one of the first four (ah, ch, dh, bh).
struct GuestRegister {
  uint8_t index = 0;  // x86 encoding order: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8…
  bool high = false;
};

struct GuestAddress {
  static constexpr int8_t kNone = -1;
  int8_t base = kNone;
  int8_t index = kNone;
  uint8_t scale_log2 = 0;
  bool wraps_32 = false;     // address size prefix: the sum is cut to 32 bits
  bool fs = false;           // from the base of segment FS: thread-local storage
  bool gs = false;           // from the base of segment GS
  int64_t displacement = 0;  // RIP-relative addresses are resolved: no base, all of it here
};

struct Operand {
  enum class Kind : uint8_t { None, Register, Vector, X87, Mmx, Memory, Immediate, Target, Other };
  Kind kind = Kind::None;
  uint8_t size = 0;   // bytes
  GuestRegister reg;  // of a Vector, X87 or Mmx: only its index
  GuestAddress memory;
  uint64_t immediate = 0;  // sign-extended to 64 bits; of a Target: the guest address

  bool is_register() const { return kind == Kind::Register; }
  bool is_vector() const { return kind == Kind::Vector; }
  bool is_x87() const { return kind == Kind::X87; }
  bool is_mmx() const { return kind == Kind::Mmx; }
  bool is_memory() const { return kind == Kind::Memory; }
  bool is_immediate() const { return kind == Kind::Immediate; }
  bool is_target() const { return kind == Kind::Target; }
  // Whether it can be written (a place) or read (a value) as 1, 2, 4 or 8 bytes.
  bool is_place() const { return (is_register() || is_memory()) && has_width(); }
  bool is_value() const { return is_place() || (is_immediate() && has_width()); }
  // A count in CL: the second or, of a double shift, the third operand.
  bool is_cl() const { return is_register() && size == 1 && reg.index == 1 && !reg.high; }

 private:
  bool has_width() const { return size == 1 || size == 2 || size == 4 || size == 8; }
};

// rax and its parts as an operand.
inline Operand accumulator(unsigned size) {
  Operand operand;
  operand.kind = Operand::Kind::Register;
  operand.size = static_cast<uint8_t>(size);
  return operand;
}

// The prefix that repeats a string instruction: while rcx is not 0 and, for those that compare,
// while the operands are equal (repe) or differ (repne).
enum class Repeat : uint8_t { No, Equal, NotEqual };

// Flags that live in the frame and not in NZCV, as bits of a set.
namespace lazy_flag {
inline constexpr uint8_t kParity = 1, kAdjust = 2, kAll = 3;
}  // namespace lazy_flag

// Where control goes after an instruction.
enum class Flow : uint8_t {
  Next,
  Jump,
  Branch,
  Call,
  JumpIndirect,
  CallIndirect,
  Return,
  SystemCall,
  Undefined,
  Stop
};

// Instructions that a processor does not carry out for a program.
enum class Refusal : uint8_t {
  None,
  Breakpoint,  // int3: a trap, with RIP behind it
  Privileged,  // a general-protection fault
};

struct GuestInstruction {
  static constexpr unsigned kOperands = 3;
  uint64_t rip = 0;
  uint8_t length = 0;
  uint8_t count = 0;  // explicit operands, also those beyond kOperands
  bool lock = false;
  Repeat repeat = Repeat::No;
  bool plain_addresses = true;  // 64-bit, no FS or GS: what instructions with hidden operands need
  Flow flow = Flow::Next;
  // lazy_flag sets: which it reads, which it always writes, and which may be read before they are
  // written again (all, until liveness is known).
  uint8_t lazy_read = 0;
  uint8_t lazy_written = 0;
  uint8_t lazy_live = lazy_flag::kAll;
  ZydisMnemonic mnemonic = ZYDIS_MNEMONIC_INVALID;
  Operand op[kOperands];

  uint64_t next() const { return rip + length; }
  bool parity_lives() const { return (lazy_live & lazy_flag::kParity) != 0; }
  bool adjust_lives() const { return (lazy_live & lazy_flag::kAdjust) != 0; }
};

// What addresses are made from: the general registers, in x86 encoding order, and segments.
struct AddressRegisters {
  const uint64_t* general = nullptr;
  uint64_t fs_base = 0;
  uint64_t gs_base = 0;
};

// The 56 bits that are known of an address, with copies of bit 55 above.
constexpr uint64_t extended(uint64_t low) {
  return static_cast<uint64_t>(static_cast<int64_t>(low << 8) >> 8);
}

class Decoder {
 public:
  static constexpr size_t kMaxLength = 15;

  Decoder();

  // The instruction in `bytes`, at address `rip`; empty if they are not an instruction.
  std::optional<GuestInstruction> decode(uint64_t rip, std::span<const uint8_t> bytes) const;

  // Of the instruction in `bytes`; its length in bytes goes to `length`.
  Refusal refusal(std::span<const uint8_t> bytes, uint8_t& length) const;

  // The address that the instruction in `bytes` has accessed with these registers, of which the
  // lower 56 bits are known: that of an operand, hidden ones included, which agrees with them and
  // may be up to 16 bytes above (a push) or 512 below (within it). Else extended(low).
  uint64_t whole_address(uint64_t rip, std::span<const uint8_t> bytes,
                         const AddressRegisters& registers, uint64_t low) const;

  // For messages: "bytes  mnemonic operands", as in "f2 0f 7c c1  haddps xmm0, xmm1".
  std::string describe(uint64_t rip, std::span<const uint8_t> bytes) const;

 private:
  ZydisDecoder decoder_;
};

}  // namespace mtetso
