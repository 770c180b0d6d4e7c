// SPDX-License-Identifier: MIT

#include "translate/emitter.h"

#include <algorithm>
#include <cstring>

#include "code/memop_words.h"
#include "code/tier_slot.h"
#include "status.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT: the instruction set is the vocabulary here

namespace {

constexpr uint64_t kSharedTagBits = 0x0f00000000000000;  // logical tag 15
constexpr int kTagLow = 56;                              // logical tag: bits 59:56
constexpr int kTagBits = 4;
constexpr uint32_t kOrdered = MTEDBG_Mode_Shared;
constexpr uint32_t kTestSign = 0x37f80000;  // TBNZ of bit 31: of a W register, its sign

}  // namespace

Emitter::Emitter(const Options& options, const TranslationPlan& plan)
    : options_(options), plan_(plan), core_id_(options) {
  masm_.SetCPUFeatures(vixl::CPUFeatures::All());
  // x16 and x17, VIXL's default, have other uses here.
  *masm_.GetScratchRegisterList() = CPURegList(x25, x26);
}

Label* Emitter::cold(std::function<void()> emit) {
  auto& made = cold_.emplace_back(std::make_unique<Cold>());
  made->emit = std::move(emit);
  return &made->label;
}

void Emitter::bind_entry(uint64_t rip) {
  labels_[rip].offset = offset();
  entries_.push_back({rip, offset()});
}

// The exit is out of line.
void Emitter::poll(uint64_t rip) {
  masm_.load(reg::target.W(), reg::frame, offsetof(Frame, budget));
  masm_.Sub(reg::target.W(), reg::target.W(), 1);
  masm_.store(reg::target.W(), reg::frame, offsetof(Frame, budget));
  polls_.push_back({offset(), rip});
  masm_.word(kTestSign | reg::target.GetCode());
  core_id_.emit_reading(masm_);
}

// TBNZ reaches 32 KiB: in a long function some exits are in between.
void Emitter::begin_instruction(uint64_t rip) {
  constexpr uint32_t kFar = 24 << 10;
  next_memop_ = {rip, 0};
  if (polls_.empty() || offset() - polls_.front().at < kFar) return;
  Label over;
  masm_.B(&over);
  emit_poll_exits();
  masm_.Bind(&over);
}

// An exit is no longer than a poll and an instruction, so that the last one is in reach if the
// first one is.
void Emitter::emit_poll_exits() {
  constexpr uint32_t kReach = 1 << 13;
  for (const PollExit& one : polls_) {
    const uint32_t words = (offset() - one.at) / kInstructionSize;
    if (words >= kReach) throw StatusError(Status::Internal, "a poll's exit is out of reach");
    masm_.set_word(one.at, kTestSign | words << 5 | reg::target.GetCode());
    leave(FrameStub::Poll, one.rip);
  }
  polls_.clear();
}

void Emitter::tick(uint32_t function, uint64_t rip, bool begin) {
  slot_address(reg::t1, function);
  if (begin) {
    Label here;
    masm_.Ldr(reg::t2, MemOperand(reg::t1, offsetof(TierSlot, better)));
    masm_.Cbz(reg::t2, &here);
    masm_.Br(reg::t2);
    masm_.Bind(&here);
  }
  MemOperand left(reg::t1, offsetof(TierSlot, left));
  masm_.Ldr(reg::t2.W(), left);
  masm_.Sub(reg::t2.W(), reg::t2.W(), 1);
  masm_.Str(reg::t2.W(), left);
  masm_.Tbnz(reg::t2.W(), 31, cold([this, rip] { leave(FrameStub::TierUp, rip); }));
}

uint32_t Emitter::placed_address(const Register& out) {
  vixl::ExactAssemblyScope three(&masm_, 3 * kInstructionSize);
  const uint32_t at = offset();
  masm_.movz(out, 0, 0);
  masm_.movk(out, 0, 16);
  masm_.movk(out, 0, 32);
  return at;
}

void Emitter::slot_address(const Register& out, uint32_t function) {
  fixups_.push_back({placed_address(out), function});
}

// One atomic addition: threads share the counter, and none of their counts is lost. Counters of a
// thread's own would need memory for each thread that grows while it runs.
void Emitter::count() {
  if (!options_.count) return;
  counters_.push_back(placed_address(reg::t1));
  masm_.Mov(reg::t2, 1);
  masm_.Stadd(reg::t2, MemOperand(reg::t1));
}

void Emitter::emit_cold() {
  emit_poll_exits();
  for (auto& one : cold_) {
    masm_.Bind(&one->label);
    one->emit();
  }
  cold_.clear();
  emit_abort_handlers();
  emit_out_of_line();
}

void Emitter::jump_to(uint64_t rip) {
  const Place* label = labels_.find(rip);
  if (label == nullptr) return leave(FrameStub::Dispatch, rip);
  masm_.ensure(1);
  const uint32_t at = offset();
  const bool bound = label->offset != CompiledMemop::kNone;
  if (!bound) open_.push_back({at, rip});
  masm_.word(branch_word(at, bound ? label->offset : at));
}

void Emitter::call_to(uint64_t rip) {
  const uint32_t function =
      has_label(rip) || !plan_.function_at ? CompiledRange::kNoFunction : plan_.function_at(rip);
  if (function == CompiledRange::kNoFunction) return jump_to(rip);
  Label nowhere;
  slot_address(reg::t1, function);
  masm_.Ldr(reg::t1, MemOperand(reg::t1, offsetof(TierSlot, best)));
  masm_.Cbz(reg::t1, &nowhere);
  masm_.Br(reg::t1);
  masm_.Bind(&nowhere);
  leave(FrameStub::Dispatch, rip);
}

void Emitter::leave(FrameStub stub) {
  masm_.load(reg::t1, reg::frame, offsetof(Frame, stubs) + 8 * static_cast<uint32_t>(stub));
  masm_.Br(reg::t1);
}

void Emitter::call(FrameStub stub) {
  Label back;
  masm_.Ldr(reg::t5, MemOperand(reg::frame, offsetof(Frame, stubs) + 8 * static_cast<int>(stub)));
  masm_.Adr(reg::t6, &back);
  masm_.Br(reg::t5);
  masm_.Bind(&back);
}

void Emitter::leave(FrameStub stub, uint64_t rip) {
  masm_.Mov(reg::target, rip);
  leave(stub);
}

void Emitter::address(const GuestAddress& memory) {
  Register out = memory.wraps_32 ? reg::address.W() : reg::address;
  auto part = [&](int8_t index) {
    Register whole = guest(static_cast<unsigned>(index));
    return memory.wraps_32 ? whole.W() : whole;
  };
  bool base = memory.base != GuestAddress::kNone;
  bool index = memory.index != GuestAddress::kNone;
  if (base && index && !memory.wraps_32)
    masm_.add_shifted(out, part(memory.base), part(memory.index), memory.scale_log2);
  else if (base && index)
    masm_.Add(out, part(memory.base), a64::Operand(part(memory.index), LSL, memory.scale_log2));
  else if (index)
    masm_.Lsl(out, part(memory.index), memory.scale_log2);
  if (!base && !index)
    masm_.Mov(out, memory.wraps_32 ? memory.displacement & 0xffffffff : memory.displacement);
  else if (!index)
    masm_.Add(out, part(memory.base), memory.displacement);
  else if (memory.displacement != 0)
    masm_.Add(out, out, memory.displacement);
  if (!memory.fs && !memory.gs) return;
  masm_.Ldr(reg::target, MemOperand(reg::frame, memory.fs ? offsetof(Frame, fs_base)
                                                          : offsetof(Frame, gs_base)));
  masm_.Add(reg::address, reg::address, reg::target);
}

Register Emitter::read(const Operand& operand, const Register& temporary) {
  unsigned size = operand.size;
  if (operand.is_memory()) {
    address(operand.memory);
    load(temporary, size);
    return sized(temporary, size);
  }
  if (operand.is_immediate()) {
    uint64_t mask = size == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * size)) - 1;
    masm_.Mov(sized(temporary, size), operand.immediate & mask);
    return sized(temporary, size);
  }
  Register from = guest(operand.reg.index);
  if (size >= 4) return sized(from, size);
  masm_.Ubfx(temporary.W(), from.W(), operand.reg.high ? 8 : 0, 8 * size);
  return temporary.W();
}

void Emitter::read_wide(const Register& out, const Operand& operand, bool is_signed) {
  Register value = read(operand, out);
  if (operand.size == 8)
    masm_.Mov(out, value);
  else if (is_signed)
    masm_.Sbfx(out, value.X(), 0, 8 * operand.size);
  else
    masm_.Ubfx(out, value.X(), 0, 8 * operand.size);
}

void Emitter::write(const Operand& operand, const Register& value) {
  if (operand.is_memory())
    store(value, operand.size);
  else
    write_register(operand.reg, operand.size, value);
}

void Emitter::write_register(GuestRegister to, unsigned size, const Register& value) {
  Register out = guest(to.index);
  if (size == 8)
    masm_.Mov(out, value.X());
  else if (size == 4)
    masm_.Mov(out.W(), value.W());  // also onto itself: the upper half is cleared
  else
    masm_.Bfi(out, value.X(), to.high ? 8 : 0, 8 * size);
}

Emitter::MemopForm Emitter::form_of(const MemopKey& memop) const {
  const MemopAdvice advice = plan_.advice ? plan_.advice(memop) : MemopAdvice{};
  MemopForm form{advice.mode, true, advice.pinned};
  if (form.mode == 0) form.mode = options_.memops_start;
  const bool out_of_line = has_out_of_line(options_);
  if (form.mode == MTEDBG_Mode_Either && !out_of_line) form.mode = MTEDBG_Mode_Shared;
  // Known to be shared: the guest's pointers have tag 0, which may be the shared tag. A memop that
  // may go out of line needs [1] for that.
  form.insert = out_of_line || advice.mode < MTEDBG_Mode_Shared || options_.shared_tag != 0;
  return form;
}

void Emitter::insert_tag(const MemopForm& form) {
  if (!form.insert) return;
  if (form.local())
    masm_.bfi(reg::address, reg::core_tag, kTagLow, kTagBits);
  else if (options_.shared_tag == 0)
    masm_.bfc(reg::address, kTagLow, kTagBits);
  else
    masm_.orr(reg::address, reg::address, kSharedTagBits);
}

// What is recorded of the memop whose words begin at `begin`, after `lead` bytes that read the core
// id.
void Emitter::add_memop(const MemopForm& form, uint32_t access, unsigned size, uint32_t begin,
                        uint32_t lead) {
  CompiledMemop& made = memops_.emplace_back();
  const uint32_t insert = begin + lead;
  if (form.insert) made.tag_offset = insert;
  if (lead != 0) made.begin_offset = begin;
  made.access_offset = form.insert ? insert + static_cast<uint32_t>(kInstructionSize) : insert;
  made.guest_rip = next_memop_.guest_rip;
  made.access = access;
  made.size = size;
  made.mode = form.mode;
  made.pinned = form.pinned;
  if (!counters_.empty()) made.counter = static_cast<uint32_t>(counters_.size() - 1);
  ++next_memop_.ordinal;
}

void Emitter::memop(uint32_t access, unsigned size,
                    const std::function<void(const MemopForm&)>& emit) {
  const MemopForm form = form_of(next_memop_);
  // The core id is only needed for the tag.
  const uint32_t lead = form.insert ? core_id_.words() * kInstructionSize : 0;
  vixl::ExactAssemblyScope exact(&masm_, lead + (form.insert ? 2 : 1) * kInstructionSize);
  add_memop(form, access, size, offset(), lead);
  if (lead != 0) core_id_.emit(masm_);
  insert_tag(form);
  emit(form);
}

void Emitter::emit_abort_handlers() {
  for (; core_id_.strict() && aborts_done_ < memops_.size(); ++aborts_done_) {
    CompiledMemop& memop = memops_[aborts_done_];
    if (memop.begin_offset == CompiledMemop::kNone) continue;
    vixl::ExactAssemblyScope exact(&masm_, 2 * kInstructionSize);
    masm_.dc32(kRseqSignature);
    memop.abort_offset = offset();
    const int64_t back = static_cast<int64_t>(memop.begin_offset) - memop.abort_offset;
    masm_.b(back / static_cast<int64_t>(kInstructionSize));
  }
}

// In the order of the memops: they are searched by PC.
void Emitter::emit_out_of_line() {
  for (; has_out_of_line(options_) && out_done_ < memops_.size(); ++out_done_) {
    CompiledMemop& memop = memops_[out_done_];
    uint32_t access = 0;
    std::memcpy(&access, masm_.GetBuffer()->GetOffsetAddress<const void*>(memop.access_offset),
                sizeof access);
    masm_.ensure(OutOfLine::kMost);
    memop.out_offset = offset();
    const uint64_t back = memop.access_offset + kInstructionSize;
    const auto form = out_of_line(access, options_.shared_tag, memop.out_offset, back);
    for (const uint32_t word : form.span()) masm_.word(word);
  }
}

// A load or a store of 1, 2, 4 or 8 bytes.
void Emitter::access_memory(uint32_t access, const Register& data, unsigned size) {
  const MemopForm form = form_of(next_memop_);
  const uint32_t word =
      load_store_word(access == MTEDBG_Access_Store, size, data.GetCode(), form.mode);
  if (form.insert && core_id_.words() != 0)
    return memop(access, size, [&](const MemopForm&) { masm_.dc32(word); });
  masm_.ensure(2);
  add_memop(form, access, size, offset(), 0);
  if (form.insert) masm_.word(tag_word(form.local() ? form.mode : kOrdered, options_.shared_tag));
  masm_.word(word);
}

void Emitter::load(const Register& to, unsigned size) {
  access_memory(MTEDBG_Access_Load, to, size);
}

void Emitter::store(const Register& from, unsigned size) {
  access_memory(MTEDBG_Access_Store, from, size);
}

void Emitter::read_modify_write(unsigned size, const std::function<void()>& access) {
  memop(MTEDBG_Access_ReadModifyWrite, size, [&](const MemopForm&) { access(); });
}

void Emitter::push(const Register& value, unsigned size) {
  masm_.Sub(reg::address, guest_rsp, size);
  store(value, size);
  masm_.Sub(guest_rsp, guest_rsp, size);
}

void Emitter::pop(const Register& to, unsigned size) {
  masm_.Mov(reg::address, guest_rsp);
  load(to, size);
  masm_.Add(guest_rsp, guest_rsp, size);
}

CompiledCode Emitter::finish(std::vector<CompiledRange> ranges) {
  masm_.FinalizeCode();
  CompiledCode code;
  code.words.resize(masm_.GetSizeOfCodeGenerated() / kInstructionSize);
  std::memcpy(code.words.data(), masm_.GetBuffer()->GetStartAddress<const void*>(),
              code.words.size() * kInstructionSize);
  for (const OpenBranch& one : open_) {
    const uint32_t to = labels_.find(one.rip)->offset;
    if (to == CompiledMemop::kNone) throw StatusError(Status::Internal, "a branch to no place");
    code.words[one.at / kInstructionSize] = branch_word(one.at, to);
  }
  for (const CompiledMemop& memop : memops_)
    if (memop.mode == MTEDBG_Mode_Either)
      code.words[memop.tag_offset / kInstructionSize] =
          branch_word(memop.tag_offset, memop.out_offset);
  // Veneers that VIXL put at the end of a range belong to it.
  uint32_t end = static_cast<uint32_t>(code.words.size() * kInstructionSize);
  for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
    range->end = end;
    end = range->begin;
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const auto& a, const auto& b) { return a.guest_rip < b.guest_rip; });
  code.ranges = std::move(ranges);
  code.memops = std::move(memops_);
  code.entries = std::move(entries_);
  code.fixups = std::move(fixups_);
  code.counters = std::move(counters_);
  return code;
}

}  // namespace mtetso
