// SPDX-License-Identifier: MIT
//
// The AArch64 back end, on VIXL: what all lowerings need, independent of any x86 instruction.
//
// Registers of generated code (see translate/frame.h and the schema's `register` lines):
//   x0..x15   guest rax rcx rdx rbx rsp rbp rsi rdi r8..r15, in x86 encoding order
//   x16       address of the current memop, nothing else
//   x17       guest address handed to a stub; temporary
//   x19..x24  temporaries of one guest instruction
//   x25, x26  VIXL's own scratch, free in a memop
//   v0..v15   guest xmm0 to xmm15
//   v16..v22  temporaries of one guest instruction
//   v24..v29  Frame::float_limits
//   FPCR      MXCSR's rounding; FPSR has sticky bits since the last entry
//   x18       the platform's; x29 the frame record, x30 untouched
//   x27       tag of the current core (rHostCoreId); x28 frame
//   NZCV      guest SF ZF CF OF, carry in x86's sense (set on borrow)
#pragma once

#include <aarch64/macro-assembler-aarch64.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "compiled.h"
#include "options.h"
#include "translate/assembler.h"
#include "translate/core_id.h"
#include "translate/decoder.h"
#include "translate/frame.h"
#include "translate/plan.h"
#include "translate/rip_map.h"

namespace mtetso {

namespace a64 = vixl::aarch64;
using a64::Register;
using a64::VRegister;

namespace reg {
const Register address = a64::x16;
const Register target = a64::x17;
const Register t1 = a64::x19;
const Register t2 = a64::x20;
const Register t3 = a64::x21;
const Register t4 = a64::x22;
const Register t5 = a64::x23;
const Register t6 = a64::x24;
const Register core_tag = a64::x27;
const Register frame = a64::x28;
// Of operations on floating-point numbers that the host may have to do (Frame::float_operands).
const VRegister a = a64::v16;
const VRegister b = a64::v17;
const VRegister result = a64::v18;
const VRegister v1 = a64::v19;
const VRegister v2 = a64::v20;
const VRegister v3 = a64::v21;
}  // namespace reg

// The guest register as a whole.
inline Register guest(unsigned index) { return a64::XRegister(index); }
const Register guest_rsp = a64::x4;
inline VRegister xmm(unsigned index) { return a64::QRegister(index); }

// `of` as W for up to 4 bytes, as X for 8.
inline Register sized(const Register& of, unsigned size) { return size == 8 ? of.X() : of.W(); }

class Emitter {
 public:
  // Both outlive the emitter.
  Emitter(const Options& options, const TranslationPlan& plan);

  Assembler& masm() { return masm_; }
  uint32_t offset() { return static_cast<uint32_t>(masm_.GetCursorOffset()); }

  // Starts a guest instruction: the memops that follow belong to it.
  void begin_instruction(uint64_t rip);

  // Labels of this piece of code.
  bool has_label(uint64_t rip) const { return labels_.contains(rip); }
  void declare(uint64_t rip) { labels_[rip]; }
  // Binds the label and records an entry.
  void bind_entry(uint64_t rip);
  // Counts the frame's budget down and leaves if it is used up; changes no flags.
  void poll(uint64_t rip);
  // Counts executions of the memops that follow, if the options say so, until the next call; uses
  // t1 and t2, changes no flags.
  void count();
  // One tick of a function's baseline code at the entry of `rip`; at the function's `begin` it also
  // checks for a better tier.
  void tick(uint32_t function, uint64_t rip, bool begin);
  // Continues at a guest address: by a branch if it has a label, else through the dispatcher.
  void jump_to(uint64_t rip);
  // The same for the target of a call, which is mostly the beginning of a function.
  void call_to(uint64_t rip);
  // Continues at `rip` if the condition of this jcc holds.
  void branch_if(ZydisMnemonic jcc, uint64_t rip);
  // Leaves through a stub; the guest address is already in x17 (`target`), or is `rip`.
  void leave(FrameStub stub);
  void leave(FrameStub stub, uint64_t rip);
  // Calls a stub that returns: t5 and t6 are used.
  void call(FrameStub stub);
  // A label of code that is rarely run: `emit` emits it, after the function.
  a64::Label* cold(std::function<void()> emit);
  // Emits what the code so far jumps to rarely, and what belongs to its memops but is not run with
  // them.
  void emit_cold();

  // Operands. Values of 1 and 2 bytes are zero-extended to 32 bits in a temporary; of 4 and 8 a
  // guest register is given as it is. Reading memory leaves its address in x16.
  void address(const GuestAddress& memory);
  Register read(const Operand& operand, const Register& temporary);
  // Reads the operand into all 64 bits of `out`, extended by zeros or by its sign.
  void read_wide(const Register& out, const Operand& operand, bool is_signed);
  // Writes the low bytes of `value`; 4 bytes clear the upper half of a register, as on x86.
  // Memory: x16 still has the address, from read() or address().
  void write(const Operand& operand, const Register& value);
  void write_register(GuestRegister to, unsigned size, const Register& value);

  // Memops at the address in x16: the tag insert [1] and the access [2] in adjacent words, after
  // the words that read the core id in the rseq modes (core_id.h). Their life: fault/patch.h.
  void load(const Register& to, unsigned size);
  void store(const Register& from, unsigned size);
  // [2] is what `access` emits, exactly one instruction on [x16].
  void read_modify_write(unsigned size, const std::function<void()>& access);

  // Vector registers, emitter_vector.cc. Of 16 bytes each half is a memop. x16 is the first half's
  // address before, the second one's afterwards; t1 and t2 are used. The rest of `to` is cleared.
  void load_vector(const VRegister& to, unsigned size);
  void store_vector(const VRegister& from, unsigned size);
  // Leaves if x16 is not a multiple of 16.
  void check_alignment();
  // The register of the operand, or its first `size` bytes in memory, read into `temporary`. All 16
  // bytes must be aligned.
  VRegister read_vector(const Operand& operand, unsigned size, const VRegister& temporary);
  // Calls float_helper() for the instruction at `rip`, on the operands in reg::a and reg::b. All
  // temporaries and x16 are used.
  void call_float_helper(uint32_t what, uint64_t rip);
  // Likewise x87_helper(), on reg::b.
  void call_x87_helper(uint32_t what, uint64_t rip);

  // Guest stack. x16 is used; rsp changes after the access has succeeded. `to` is not
  // rsp itself, which gets the value after it has moved.
  void push(const Register& value, unsigned size = 8);
  void pop(const Register& to, unsigned size = 8);

  // Flags, one at a time: bit 0 of `bit` becomes the flag (RMIF, FEAT_FlagM, which every core
  // with MTE has).
  void set_flags(const Register& bit, a64::StatusFlags flags);
  // PF and AF are kept as what they are made of (translate/frame.h): PF from the low byte of a
  // result, AF as bit 4 of the operands and the result exclusive-ored.
  void set_parity(const Register& result);
  void set_adjust(const Register& bits);
  // PF as 0 or 1.
  void get_parity(const Register& out);
  // Calls `use` with the AArch64 condition for that of a setcc, cmovcc or jcc; the flags are the
  // same afterwards. x17, t5 and t6 are used.
  void with_condition(ZydisMnemonic of, const std::function<void(a64::Condition)>& use);

  // Ends emission and returns the code; each range ends where the next one begins.
  CompiledCode finish(std::vector<CompiledRange> ranges);

 private:
  // How the next memop is emitted.
  struct MemopForm {
    uint32_t mode = 0;
    bool insert = true;  // with [1]
    bool pinned = false;
    bool local() const { return mode == MTEDBG_Mode_Local; }
  };
  MemopForm form_of(const MemopKey& memop) const;
  void memop(uint32_t access, unsigned size, const std::function<void(const MemopForm&)>& emit);
  void insert_tag(const MemopForm& form);
  // Emits an address that is filled in when the code is placed; returns the offset of its words.
  uint32_t placed_address(const Register& out);
  void slot_address(const Register& out, uint32_t function);
  void emit_abort_handlers();
  void emit_out_of_line();

  struct Cold {
    a64::Label label;
    std::function<void()> emit;
  };
  // Where a label is, in bytes.
  struct Place {
    uint32_t offset = CompiledMemop::kNone;
  };
  // A B to a label that was not bound yet.
  struct OpenBranch {
    uint32_t at = 0;
    uint64_t rip = 0;
  };
  // A TBNZ of a poll, which leaves for `rip`.
  struct PollExit {
    uint32_t at = 0;
    uint64_t rip = 0;
  };
  void access_memory(uint32_t access, const Register& data, unsigned size);
  void add_memop(const MemopForm& form, uint32_t access, unsigned size, uint32_t begin,
                 uint32_t lead);
  void emit_poll_exits();

  const Options& options_;
  const TranslationPlan& plan_;
  Assembler masm_;
  MemopKey next_memop_;
  RipMap<Place> labels_;
  std::vector<OpenBranch> open_;
  std::vector<PollExit> polls_;  // whose exits are not emitted yet
  std::vector<std::unique_ptr<Cold>> cold_;
  CoreIdReader core_id_;
  std::vector<CompiledMemop> memops_;
  size_t aborts_done_ = 0;  // memops before this one have their abort handler
  size_t out_done_ = 0;     // likewise, their out-of-line form
  std::vector<CompiledEntry> entries_;
  std::vector<CompiledFixup> fixups_;
  std::vector<uint32_t> counters_;
};

}  // namespace mtetso
