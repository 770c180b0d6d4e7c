// SPDX-License-Identifier: MIT

#include "translate/stubs.h"

#include "translate/emitter.h"
#include "translate/float_helper.h"
#include "translate/helpers.h"
#include "translate/x87_helper.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

const TranslationPlan kPlain;

using Helper = uint32_t (*)(Frame*, uint32_t);

class StubWriter {
 public:
  explicit StubWriter(const Options& options)
      : options_(options), emit_(options, kPlain), masm_(emit_.masm()) {}

  SharedStubs write(CallGuest call_guest);

 private:
  void begin(uint32_t kind, const std::string& symbol, uint64_t guest_rip = 0) {
    ranges_.push_back({emit_.offset(), 0, kind, CompiledRange::kNoFunction, guest_rip, symbol});
  }
  uint32_t leaving(uint32_t kind, const std::string& symbol, ExitReason reason);
  void enter();
  void exit();
  void load_state();
  void store_state();
  void call_helper(Helper helper);
  void dispatch();
  void leave_with(ExitReason reason);
  void save_callers();
  void call_guest(CallGuest callee);
  void callback();

  static MemOperand field(size_t offset) {
    return MemOperand(reg::frame, static_cast<int64_t>(offset));
  }

  const Options& options_;
  Emitter emit_;
  MacroAssembler& masm_;
  Label exit_;
  Label divide_;
  std::vector<CompiledRange> ranges_;
};

// What the C++ side expects back: x19 to x28, and the low halves of v8 to v15
// (AAPCS64 6.1.1, 6.1.2).
constexpr int kSavedPairs = 5, kSavedVectorPairs = 4;
constexpr int kSaved = 16 * (kSavedPairs + kSavedVectorPairs);

// Not among VIXL's names.
constexpr auto kFpsr = static_cast<SystemRegister>(SystemRegisterEncoder<3, 3, 4, 4, 1>::value);

// x29 and x30 are kept as a frame record (AAPCS64 6.2.3) right below the caller's stack: an
// unwinder that only uses frame records finds the caller, and its stack pointer after the record.
// The schema's `caller` lines describe the other registers (debug/root.cc).
void StubWriter::save_callers() {
  masm_.Stp(x29, x30, MemOperand(sp, -16, PreIndex));
  masm_.Mov(x29, sp);
  masm_.Sub(sp, sp, kSaved);
  for (int i = 0; i < kSavedVectorPairs; ++i)
    masm_.Stp(DRegister(8 + 2 * i), DRegister(9 + 2 * i), MemOperand(sp, 16 * i));
  for (int i = 0; i < kSavedPairs; ++i)
    masm_.Stp(XRegister(19 + 2 * i), XRegister(20 + 2 * i),
              MemOperand(sp, 16 * (kSavedVectorPairs + i)));
}

// The guest's registers from the frame. The host's sticky bits begin at none.
void StubWriter::load_state() {
  masm_.Ldr(reg::t2, field(offsetof(mtedbg_GuestFrame, flags)));
  masm_.Msr(NZCV, reg::t2);
  masm_.Ldr(reg::t2, field(offsetof(Frame, float_control)));
  masm_.Msr(FPCR, reg::t2);
  masm_.Msr(kFpsr, xzr);
  for (int i = 0; i < 6; i += 2)
    masm_.Ldp(QRegister(24 + i), QRegister(25 + i), field(offsetof(Frame, float_limits) + 16 * i));
  for (int i = 0; i < 16; i += 2)
    masm_.Ldp(QRegister(i), QRegister(i + 1),
              field(offsetof(mtedbg_GuestFrame, xmm0_low) + 16 * i));
  for (int i = 0; i < 16; i += 2) masm_.Ldp(guest(i), guest(i + 1), field(8 * i));
}

// The guest's registers to the frame, and the host's sticky bits into MXCSR: not that of underflow,
// which is set by other rules (lower_float.cc), and none where the host's arithmetic is not used.
// t3, t4 and t5 are used.
void StubWriter::store_state() {
  for (int i = 0; i < 16; i += 2) masm_.Stp(guest(i), guest(i + 1), field(8 * i));
  for (int i = 0; i < 16; i += 2)
    masm_.Stp(QRegister(i), QRegister(i + 1),
              field(offsetof(mtedbg_GuestFrame, xmm0_low) + 16 * i));
  masm_.Mrs(reg::t3, NZCV);
  masm_.Str(reg::t3, field(offsetof(mtedbg_GuestFrame, flags)));
  // FPSR: IOC 0, DZC 1, OFC 2, UFC 3, IXC 4. MXCSR: IE 0, DE 1, ZE 2, OE 3, UE 4, PE 5.
  masm_.Mrs(reg::t3, kFpsr);
  masm_.Mov(reg::t4, 0b10110);
  masm_.And(reg::t4, reg::t4, reg::t3);
  masm_.And(reg::t3, reg::t3, 1);
  masm_.Orr(reg::t3, reg::t3, a64::Operand(reg::t4, LSL, 1));
  masm_.Ldr(reg::t4, field(offsetof(Frame, float_limits)));
  Label none;
  masm_.Cbz(reg::t4, &none);
  masm_.Ldr(reg::t5.W(), field(offsetof(mtedbg_GuestFrame, mxcsr)));
  masm_.Orr(reg::t5.W(), reg::t5.W(), reg::t3.W());
  masm_.Str(reg::t5.W(), field(offsetof(mtedbg_GuestFrame, mxcsr)));
  masm_.Bind(&none);
  masm_.Msr(FPCR, xzr);
}

// From C++: x0 = frame, x1 = host entry.
void StubWriter::enter() {
  save_callers();
  masm_.Mov(reg::frame, x0);
  masm_.Mov(reg::target, x1);
  masm_.Ldr(reg::core_tag, field(offsetof(mtedbg_GuestFrame, host_core_id)));
  load_state();
  // Last: from here on the registers hold the guest's state.
  masm_.Mov(reg::t1.W(), MTEDBG_ThreadState_Jit);
  masm_.Str(reg::t1.W(), field(offsetof(mtedbg_GuestFrame, state)));
  masm_.Br(reg::target);
}

// To C++: x17 = guest RIP, x19 = reason, x20 = detail.
void StubWriter::exit() {
  masm_.Bind(&exit_);
  store_state();
  masm_.Str(reg::target, field(offsetof(mtedbg_GuestFrame, rip)));
  masm_.Mov(reg::t3.W(), MTEDBG_ThreadState_Dispatcher);
  masm_.Str(reg::t3.W(), field(offsetof(mtedbg_GuestFrame, state)));
  masm_.Str(reg::t1.W(), field(offsetof(Frame, exit_reason)));
  masm_.Str(reg::t2, field(offsetof(Frame, exit_detail)));
  CoreIdReader(options_).emit_disarm(masm_, reg::t3);
  masm_.Mov(w0, reg::t1.W());
  for (int i = 0; i < kSavedVectorPairs; ++i)
    masm_.Ldp(DRegister(8 + 2 * i), DRegister(9 + 2 * i), MemOperand(sp, 16 * i));
  for (int i = 0; i < kSavedPairs; ++i)
    masm_.Ldp(XRegister(19 + 2 * i), XRegister(20 + 2 * i),
              MemOperand(sp, 16 * (kSavedVectorPairs + i)));
  masm_.Add(sp, sp, kSaved);
  masm_.Ldp(x29, x30, MemOperand(sp, 16, PostIndex));
  masm_.Ret();
}

// From generated code, which continues at x24: x17 = guest RIP, w20 = what to do, v16 and v17 =
// operands, v18 = result (float_helper.h, x87_helper.h). To a debugger it is a call of a host
// function.
void StubWriter::call_helper(Helper helper) {
  const auto operands = field(offsetof(Frame, float_operands));
  masm_.Stp(q16, q17, operands);
  masm_.Str(reg::target, field(offsetof(mtedbg_GuestFrame, rip)));
  store_state();
  masm_.Mov(reg::t3.W(), MTEDBG_ThreadState_Thunk);
  masm_.Str(reg::t3.W(), field(offsetof(mtedbg_GuestFrame, state)));
  masm_.Mov(x0, reg::frame);
  masm_.Mov(w1, reg::t2.W());
  masm_.Mov(x2, reinterpret_cast<uintptr_t>(helper));
  masm_.Blr(x2);
  masm_.Mov(reg::t1.W(), w0);
  masm_.Ldr(q18, field(offsetof(Frame, float_operands[2])));
  load_state();
  masm_.Mov(reg::t3.W(), MTEDBG_ThreadState_Jit);
  masm_.Str(reg::t3.W(), field(offsetof(mtedbg_GuestFrame, state)));
  Label leave;
  masm_.Cbnz(reg::t1.W(), &leave);
  masm_.Br(reg::t6);
  masm_.Bind(&leave);
  masm_.Ldr(reg::target, field(offsetof(mtedbg_GuestFrame, rip)));
  masm_.Ldr(reg::t2, field(offsetof(Frame, exit_detail)));
  masm_.B(&exit_);
}

// An indirect branch: x17 = guest RIP. The thread's own cache first; no flags.
void StubWriter::dispatch() {
  masm_.Eor(reg::t1, reg::target, a64::Operand(reg::target, LSR, Frame::kJumpCacheBits));
  masm_.And(reg::t1, reg::t1, Frame::kJumpCacheSize - 1);
  masm_.Add(reg::t1, reg::frame, a64::Operand(reg::t1, LSL, 4));
  masm_.Add(reg::t1, reg::t1, offsetof(Frame, jump_cache));
  masm_.Ldp(reg::t2, reg::t3, MemOperand(reg::t1));
  masm_.Eor(reg::t2, reg::t2, reg::target);
  Label miss;
  masm_.Cbnz(reg::t2, &miss);
  masm_.Br(reg::t3);
  masm_.Bind(&miss);
  leave_with(ExitReason::Lookup);
}

void StubWriter::leave_with(ExitReason reason) {
  masm_.Mov(reg::t1, static_cast<uint32_t>(reason));
  masm_.B(&exit_);
}

uint32_t StubWriter::leaving(uint32_t kind, const std::string& symbol, ExitReason reason) {
  begin(kind, symbol);
  uint32_t at = emit_.offset();
  leave_with(reason);
  return at;
}

// From an entry stub, which native code has called: x0..x5 = arguments, x9 = guest RIP, x10 = host
// entry. Only registers that a call may change are changed; the others are saved as in
// enter(), so that the `caller` lines hold here as well.
void StubWriter::call_guest(CallGuest callee) {
  constexpr int kArguments = 6;
  save_callers();
  masm_.Sub(sp, sp, 8 * kArguments);
  for (int i = 0; i < kArguments; i += 2)
    masm_.Stp(XRegister(i), XRegister(i + 1), MemOperand(sp, 8 * i));
  masm_.Mov(x0, x9);
  masm_.Mov(x1, x10);
  masm_.Mov(x2, sp);
  masm_.Mov(x3, reinterpret_cast<uintptr_t>(callee));
  masm_.Blr(x3);
  masm_.Mov(sp, x29);
  masm_.Ldp(x29, x30, MemOperand(sp, 16, PostIndex));
  masm_.Ret();
}

// Calls Frame::callee as a guest's `call` would: the push is a memop like any other.
void StubWriter::callback() {
  emit_.begin_instruction(kCallbackRip);
  masm_.Mov(reg::t1, kCallbackReturnRip);
  emit_.push(reg::t1);
  masm_.Ldr(reg::t1, field(offsetof(Frame, callee)));
  masm_.Br(reg::t1);
}

SharedStubs StubWriter::write(CallGuest callee) {
  SharedStubs stubs;
  std::vector<CompiledEntry> entries;
  auto stub = [&](FrameStub which) -> uint32_t& {
    return stubs.frame_stubs[static_cast<size_t>(which)];
  };
  auto returning = [&](uint64_t rip, const char* symbol, ExitReason reason) {
    entries.push_back({rip, emit_.offset()});
    begin(MTEDBG_RangeKind_BuiltinThunk, symbol, rip);
    masm_.Mov(reg::target, rip);
    leave_with(reason);
  };
  begin(MTEDBG_RangeKind_EntryStub, "enter");
  stubs.enter = emit_.offset();
  enter();
  begin(MTEDBG_RangeKind_EntryStub, "call-guest");
  stubs.call_guest = emit_.offset();
  call_guest(callee);
  begin(MTEDBG_RangeKind_BuiltinThunk, "exit");
  exit();
  begin(MTEDBG_RangeKind_BuiltinThunk, "dispatch");
  stub(FrameStub::Dispatch) = emit_.offset();
  dispatch();
  stub(FrameStub::Poll) = leaving(MTEDBG_RangeKind_BuiltinThunk, "poll", ExitReason::Poll);
  stub(FrameStub::TierUp) = leaving(MTEDBG_RangeKind_BuiltinThunk, "tier-up", ExitReason::TierUp);
  stub(FrameStub::Import) = leaving(MTEDBG_RangeKind_BuiltinThunk, "import", ExitReason::Import);
  stub(FrameStub::SystemCall) =
      leaving(MTEDBG_RangeKind_BuiltinThunk, "system-call", ExitReason::SystemCall);
  stub(FrameStub::Throw) = leaving(MTEDBG_RangeKind_Throw, "unsupported", ExitReason::Throw);
  stub(FrameStub::Undefined) = leaving(MTEDBG_RangeKind_Throw, "undefined", ExitReason::Undefined);
  stub(FrameStub::Misaligned) =
      leaving(MTEDBG_RangeKind_Throw, "misaligned", ExitReason::Misaligned);
  masm_.Bind(&divide_);
  stub(FrameStub::Divide) = leaving(MTEDBG_RangeKind_Throw, "divide", ExitReason::Divide);
  begin(MTEDBG_RangeKind_BuiltinThunk, "divide-unsigned");
  stub(FrameStub::DivideUnsigned) = emit_.offset();
  emit_divide(masm_, false, &divide_);
  begin(MTEDBG_RangeKind_BuiltinThunk, "divide-signed");
  stub(FrameStub::DivideSigned) = emit_.offset();
  emit_divide(masm_, true, &divide_);
  begin(MTEDBG_RangeKind_BuiltinThunk, "cpuid");
  stub(FrameStub::CpuId) = emit_.offset();
  emit_cpuid(masm_);
  begin(MTEDBG_RangeKind_BuiltinThunk, "float");
  stub(FrameStub::Float) = emit_.offset();
  call_helper(float_helper);
  begin(MTEDBG_RangeKind_BuiltinThunk, "x87");
  stub(FrameStub::X87) = emit_.offset();
  call_helper(x87_helper);
  // The fault handler has put the memop's guest RIP in x17 and the address in x20.
  stubs.fault_trampoline =
      leaving(MTEDBG_RangeKind_FaultTrampoline, "guest-fault", ExitReason::GuestFault);
  returning(kThreadReturnRip, "thread-return", ExitReason::ThreadReturn);
  returning(kCallbackReturnRip, "callback-return", ExitReason::CallbackReturn);
  entries.push_back({kCallbackRip, emit_.offset()});
  begin(MTEDBG_RangeKind_BuiltinThunk, "callback", kCallbackRip);
  callback();
  emit_.emit_cold();
  stubs.code = emit_.finish(std::move(ranges_));
  stubs.code.entries = std::move(entries);  // in order already
  return stubs;
}

}  // namespace

SharedStubs make_shared_stubs(const Options& options, CallGuest call_guest) {
  return StubWriter(options).write(call_guest);
}

}  // namespace mtetso
