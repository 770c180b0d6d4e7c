// SPDX-License-Identifier: MIT

#include "run/turn.h"

#include <cstdio>
#include <optional>
#include <string>

#include "debug/root.h"
#include "debug/say.h"
#include "debug/threads.h"
#include "fault/resolve.h"
#include "memory/tags.h"
#include "run/core_ids.h"
#include "status.h"
#include "translate/stubs.h"

namespace mtetso {
namespace {

// A turn in progress on this host thread. In lockstep turns may be nested: the outer ones have a
// host function on the stack that calls back into the guest.
struct Turn {
  Process& process;
  Scheduler& scheduler;
  HostSide& host;
  GuestThread& thread;
};

thread_local Turn* g_turn = nullptr;

struct CurrentTurn {
  explicit CurrentTurn(Turn& turn) : before(g_turn) { g_turn = &turn; }
  ~CurrentTurn() { g_turn = before; }
  CurrentTurn(const CurrentTurn&) = delete;
  CurrentTurn& operator=(const CurrentTurn&) = delete;
  Turn* before;
};

enum class LeftFor { Poll, Yield, Blocked, ThreadReturn, ThreadEnd, CallbackReturn };

constexpr uint64_t kSystemCallLength = 2;  // of the instruction `syscall`

std::string unsupported_at(const Turn& turn, uint64_t rip) {
  return "unsupported instruction at " + turn.process.engine().describe(rip);
}

// Of a guest that has host functions: a limit of the runtime's, and a status of its own.
[[noreturn]] void unsupported(const Turn& turn, uint64_t rip) {
  const std::string what = unsupported_at(turn, rip);
  note_ending(turn.thread.frame->guest, 0, what);
  throw StatusError(Status::UnsupportedInstruction, what);
}

// The guest's own fault: for a Linux program a signal, which may have a handler. `what`: the line
// that says it all, `reason`: without whose it is, and where.
void guest_fault(Turn& turn, Trap trap, const std::string& what, const std::string& reason) {
  SystemCalls* calls = turn.host.system_calls;
  const uint64_t address =
      trap == Trap::NoCode ? turn.thread.frame->guest.rip : turn.thread.frame->exit_detail;
  const int signal = calls == nullptr ? 0 : calls->trap(turn.thread, trap, address);
  if (calls != nullptr && signal == 0) return;
  note_ending(turn.thread.frame->guest, signal, reason);
  if (signal == 0) throw StatusError(Status::GuestFault, what);
  say(what);
  throw GuestExit{128 + signal, signal};
}

std::string at_rip(const Turn& turn, const char* what) {
  const Frame& frame = *turn.thread.frame;
  return "guest thread " + std::to_string(frame.guest.thread_id) + ": " + what + " at " +
         turn.process.engine().describe(frame.guest.rip);
}

[[noreturn]] void misuse(const Turn& turn, const char* what) {
  throw StatusError(Status::GuestFault, at_rip(turn, what));
}

// Where the writable memory begins that goes on to `address`, whatever of it has been touched; the
// address itself where it is not writable.
uint64_t writable_from(const GuestMemory& memory, uint64_t address) {
  uint64_t begin = 0, end = 0, found = address;
  memory.visit([&](uint64_t at, const Region& region) {
    if ((region.protection & PROT_WRITE) == 0) return;
    if (at != end) begin = at;
    end = region.end;
    if (at <= address && address < end) found = begin;
  });
  return found;
}

// Whether the thread's stack has ended there: an address not far below it, and a stack pointer that
// has come that far.
bool overflows_stack(const Turn& turn, uint64_t address) {
  constexpr uint64_t kFar = 1 << 20, kFrame = 64 << 10;
  const Frame& frame = *turn.thread.frame;
  const auto* thread = reinterpret_cast<const mtedbg_Thread*>(frame.guest.thread);
  if (thread->stack_low <= kFar) return false;
  const uint64_t low = writable_from(turn.process.memory(), thread->stack_low);
  return address < low && address >= low - kFar && frame.guest.rsp < low + kFrame;
}

// `what` may end with a comma, where it goes on with the place.
void guest_fault_of(Turn& turn, Trap trap, const char* what) {
  std::string reason = what;
  if (reason.ends_with(',')) reason.pop_back();
  guest_fault(turn, trap, at_rip(turn, what), reason);
}

void bad_address(Turn& turn) {
  Frame& frame = *turn.thread.frame;
  const bool file_ended = (frame.exit_detail & kFileEnded) != 0;
  const uint64_t address = frame.exit_detail =
      turn.process.engine().whole_address(frame, strip_tag(frame.exit_detail));
  char text[96];
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  if (file_ended)
    std::snprintf(text, sizeof text, "address 0x%llx, behind the end of the mapped file,",
                  number(address));
  else if (overflows_stack(turn, address))
    std::snprintf(text, sizeof text, "stack overflow, rsp 0x%llx, address 0x%llx,",
                  number(frame.guest.rsp), number(address));
  else if (address >> 47 != 0)
    std::snprintf(text, sizeof text, "address 0x%llx, which is not canonical,", number(address));
  else
    std::snprintf(text, sizeof text, "bad address 0x%llx", number(address));
  guest_fault_of(turn, file_ended ? Trap::FileEnd : Trap::BadAddress, text);
}

// A fault with the exit's detail.
void guest_fault_by(Turn& turn, Trap trap, const char* what) {
  char text[64];
  std::snprintf(text, sizeof text, "%s 0x%llx", what,
                static_cast<unsigned long long>(turn.thread.frame->exit_detail));
  guest_fault_of(turn, trap, text);
}

// An instruction outside of the subset: that of a program for this runtime, or one that no program
// may execute, which is the guest's fault.
void refused(Turn& turn) {
  mtedbg_GuestFrame& guest = turn.thread.frame->guest;
  SystemCalls* calls = turn.host.system_calls;
  if (calls == nullptr) unsupported(turn, guest.rip);
  uint8_t length = 0;
  switch (turn.process.engine().refusal(guest.rip, length)) {
    case Refusal::Breakpoint: {
      const std::string what = at_rip(turn, "breakpoint");
      guest.rip += length;
      return guest_fault(turn, Trap::Breakpoint, what, "breakpoint");
    }
    case Refusal::Privileged:
      return guest_fault_of(turn, Trap::Protection, "privileged instruction");
    case Refusal::None:
      break;
  }
  // As on a processor without it.
  const std::string what = unsupported_at(turn, guest.rip);
  guest_fault(turn, Trap::Unsupported, what, what);
}

SystemCalls::Next system_call(Turn& turn) {
  auto& guest = turn.thread.frame->guest;
  if (turn.host.system_calls == nullptr) unsupported(turn, guest.rip - kSystemCallLength);
  guest.state = MTEDBG_ThreadState_Thunk;
  const SystemCalls::Next next = turn.host.system_calls->call(turn.thread, turn.scheduler);
  if (next == SystemCalls::Next::Retry) guest.rip -= kSystemCallLength;
  guest.state = MTEDBG_ThreadState_Dispatcher;
  return next;
}

// Nothing where the guest went to an address without code and handles that.
std::optional<ExitReason> run_code(Turn& turn) {
  try {
    return turn.process.engine().run(*turn.thread.frame);
  } catch (const NoCodeError& error) {
    char reason[64];
    std::snprintf(reason, sizeof reason, "jump or return to 0x%llx, where no code is",
                  static_cast<unsigned long long>(turn.thread.frame->guest.rip));
    guest_fault(turn, Trap::NoCode, error.what(), reason);
    return std::nullopt;
  }
}

// Runs generated code and calls its host functions, until it leaves for another reason.
LeftFor run_on(Turn& turn) {
  Frame& frame = *turn.thread.frame;
  for (;;) {
    if (turn.host.system_calls != nullptr) turn.host.system_calls->before_code(turn.thread);
    refresh_core_id(turn.process.options(), turn.thread);
    const std::optional<ExitReason> left = run_code(turn);
    if (!left) continue;
    const ExitReason reason = *left;
    refresh_core_id(turn.process.options(), turn.thread);
    switch (reason) {
      case ExitReason::Poll:
        if (turn.host.system_calls != nullptr) turn.host.system_calls->before_code(turn.thread);
        return LeftFor::Poll;
      case ExitReason::Import:
        switch (turn.host.imports.call(frame.exit_detail, turn.thread)) {
          case Imports::Next::Return:
            break;
          case Imports::Next::Retry:
            return LeftFor::Blocked;
          case Imports::Next::Yield:
            return LeftFor::Yield;
        }
        break;
      case ExitReason::SystemCall:
        switch (system_call(turn)) {
          case SystemCalls::Next::Return:
            break;
          case SystemCalls::Next::Retry:
            return LeftFor::Blocked;
          case SystemCalls::Next::Yield:
            return LeftFor::Yield;
          case SystemCalls::Next::EndThread:
            return LeftFor::ThreadEnd;
        }
        break;
      case ExitReason::ThreadReturn:
        return LeftFor::ThreadReturn;
      case ExitReason::CallbackReturn:
        return LeftFor::CallbackReturn;
      case ExitReason::Throw:
        refused(turn);
        break;
      case ExitReason::Divide:
        guest_fault_of(turn, Trap::Divide, "division by zero or quotient too large");
        break;
      case ExitReason::Undefined:
        guest_fault_of(turn, Trap::Undefined, "undefined instruction");
        break;
      case ExitReason::GuestFault:
        bad_address(turn);
        break;
      case ExitReason::Misaligned:
        guest_fault_by(turn, Trap::Protection, "misaligned address");
        break;
      case ExitReason::FloatingPoint:
        guest_fault_by(turn, Trap::FloatingPoint, "floating-point exception, flags");
        break;
      case ExitReason::BadControl:
        guest_fault_by(turn, Trap::Protection, "MXCSR cannot be");
        break;
      case ExitReason::Lookup:
      case ExitReason::TierUp:
        throw StatusError(Status::Internal, "the engine did not handle an exit that is its own");
    }
  }
}

// A call from outside of generated code, as the System V ABI has it: six arguments in registers,
// the stack a multiple of 16 before the return address is pushed.
void set_up_call(Frame& frame, uint64_t guest_rip, uintptr_t target, const uint64_t* arguments) {
  mtedbg_GuestFrame& guest = frame.guest;
  guest.rsp &= ~uint64_t{15};
  guest.rdi = arguments[0];
  guest.rsi = arguments[1];
  guest.rdx = arguments[2];
  guest.rcx = arguments[3];
  guest.r8 = arguments[4];
  guest.r9 = arguments[5];
  guest.r11 = guest_rip;
  guest.rip = kCallbackRip;
  frame.callee = target;
}

void run_callback(Turn& turn) {
  for (;;) {
    switch (run_on(turn)) {
      case LeftFor::CallbackReturn:
        return;
      case LeftFor::ThreadReturn:
      case LeftFor::ThreadEnd:
        misuse(turn, "the thread ended inside of a callback");
      default:
        turn.scheduler.interlude(turn.thread);
    }
  }
}

}  // namespace

TurnEnd run_turn(Process& process, Scheduler& scheduler, HostSide& host, GuestThread& thread) {
  Turn turn{process, scheduler, host, thread};
  const CurrentTurn current(turn);
  switch (run_on(turn)) {
    case LeftFor::Poll:
      return TurnEnd::Poll;
    case LeftFor::Yield:
      return TurnEnd::Yield;
    case LeftFor::Blocked:
      return TurnEnd::Blocked;
    case LeftFor::CallbackReturn:
      misuse(turn, "a return from a callback outside of any callback");
    case LeftFor::ThreadReturn:
    case LeftFor::ThreadEnd:
      break;
  }
  thread.result = thread.frame->guest.rax;
  thread_exited(&thread.frame->guest, thread.result);
  return TurnEnd::Exited;
}

uint64_t call_guest(uint64_t guest_rip, uintptr_t target, const uint64_t* arguments) {
  if (g_turn == nullptr || g_turn->thread.pending) return 0;
  Turn& turn = *g_turn;
  Frame& frame = *turn.thread.frame;
  const mtedbg_GuestFrame before = frame.guest;
  uint64_t result = 0;
  ++turn.thread.callbacks;
  try {
    const uintptr_t host = turn.process.engine().entered(guest_rip, target);
    set_up_call(frame, guest_rip, host, arguments);
    run_callback(turn);
    result = frame.guest.rax;
  } catch (...) {
    turn.thread.pending = std::current_exception();
  }
  --turn.thread.callbacks;
  frame.guest.rip = before.rip;
  frame.guest.rsp = before.rsp;
  frame.guest.state = before.state;
  return result;
}

}  // namespace mtetso
