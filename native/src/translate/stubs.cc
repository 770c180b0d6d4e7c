// SPDX-License-Identifier: MIT

#include "translate/stubs.h"

#include "translate/emitter.h"
#include "translate/helpers.h"

namespace mtetso {

using namespace vixl::aarch64;  // NOLINT

namespace {

const TranslationPlan kPlain;

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

constexpr int kSavedPairs = 5;  // x19..x28, which the C++ side expects back (AAPCS64 6.1.1)

// x29 and x30 are kept as a frame record (AAPCS64 6.2.3) right below the caller's stack: an
// unwinder that only uses frame records finds the caller, and its stack pointer after the record.
// The schema's `caller` lines describe the other registers (debug/root.cc).
void StubWriter::save_callers() {
  masm_.Stp(x29, x30, MemOperand(sp, -16, PreIndex));
  masm_.Mov(x29, sp);
  masm_.Sub(sp, sp, 16 * kSavedPairs);
  for (int i = 0; i < kSavedPairs; ++i)
    masm_.Stp(XRegister(19 + 2 * i), XRegister(20 + 2 * i), MemOperand(sp, 16 * i));
}

// From C++: x0 = frame, x1 = host entry. Vector registers need not be saved: v8 to v15 are not
// used.
void StubWriter::enter() {
  save_callers();
  masm_.Mov(reg::frame, x0);
  masm_.Mov(reg::target, x1);
  masm_.Ldr(reg::core_tag, field(offsetof(mtedbg_GuestFrame, host_core_id)));
  masm_.Ldr(reg::t1, field(offsetof(mtedbg_GuestFrame, flags)));
  masm_.Msr(NZCV, reg::t1);
  for (int i = 0; i < 16; i += 2) masm_.Ldp(guest(i), guest(i + 1), field(8 * i));
  // Last: from here on the registers hold the guest's state.
  masm_.Mov(reg::t1.W(), MTEDBG_ThreadState_Jit);
  masm_.Str(reg::t1.W(), field(offsetof(mtedbg_GuestFrame, state)));
  masm_.Br(reg::target);
}

// To C++: x17 = guest RIP, x19 = reason, x20 = detail.
void StubWriter::exit() {
  masm_.Bind(&exit_);
  for (int i = 0; i < 16; i += 2) masm_.Stp(guest(i), guest(i + 1), field(8 * i));
  masm_.Mrs(reg::t3, NZCV);
  masm_.Str(reg::t3, field(offsetof(mtedbg_GuestFrame, flags)));
  masm_.Str(reg::target, field(offsetof(mtedbg_GuestFrame, rip)));
  masm_.Mov(reg::t3.W(), MTEDBG_ThreadState_Dispatcher);
  masm_.Str(reg::t3.W(), field(offsetof(mtedbg_GuestFrame, state)));
  masm_.Str(reg::t1.W(), field(offsetof(Frame, exit_reason)));
  masm_.Str(reg::t2, field(offsetof(Frame, exit_detail)));
  CoreIdReader(options_).emit_disarm(masm_, reg::t3);
  masm_.Mov(w0, reg::t1.W());
  for (int i = 0; i < kSavedPairs; ++i)
    masm_.Ldp(XRegister(19 + 2 * i), XRegister(20 + 2 * i), MemOperand(sp, 16 * i));
  masm_.Add(sp, sp, 16 * kSavedPairs);
  masm_.Ldp(x29, x30, MemOperand(sp, 16, PostIndex));
  masm_.Ret();
}

// An indirect branch: x17 = guest RIP. The thread's own cache first; no flags.
void StubWriter::dispatch() {
  masm_.And(reg::t1, reg::target, Frame::kJumpCacheSize - 1);
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
  // The fault handler has put the memop's guest RIP in x17 and the address in x20.
  stubs.fault_trampoline =
      leaving(MTEDBG_RangeKind_FaultTrampoline, "guest-fault", ExitReason::GuestFault);
  returning(kThreadReturnRip, "thread-return", ExitReason::ThreadReturn);
  returning(kCallbackReturnRip, "callback-return", ExitReason::CallbackReturn);
  entries.push_back({kCallbackRip, emit_.offset()});
  begin(MTEDBG_RangeKind_BuiltinThunk, "callback", kCallbackRip);
  callback();
  emit_.emit_cold_exits();
  stubs.code = emit_.finish(std::move(ranges_));
  stubs.code.entries = std::move(entries);  // in order already
  return stubs;
}

}  // namespace

SharedStubs make_shared_stubs(const Options& options, CallGuest call_guest) {
  return StubWriter(options).write(call_guest);
}

}  // namespace mtetso
