// SPDX-License-Identifier: MIT
#include "linux/signals.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "float/sse.h"
#include "linux/arrival.h"
#include "linux/host_call.h"
#include "linux/process.h"
#include "memory/guest_memory.h"
#include "memory/signals.h"
#include "translate/float_helper.h"
#include "translate/rflags.h"

namespace mtetso {
namespace {

constexpr uint64_t kDefault = 0, kIgnore = 1;
constexpr unsigned kRsp = 4, kRsi = 6;
constexpr int32_t kAutoDisarm = static_cast<int32_t>(1u << 31);  // SS_AUTODISARM

// The guest thread's mask that its host thread has now; lockstep changes it with the turn.
thread_local constinit uint64_t t_mask = 0;
thread_local constinit bool t_mask_known = false;

LinuxThread& own(GuestThread& thread) { return static_cast<LinuxThread&>(*thread.personal); }

GuestRegisters registers_of(const Frame& frame) {
  GuestRegisters registers;
  std::memcpy(registers.general, &frame.guest.rax, sizeof registers.general);
  registers.rip = frame.guest.rip;
  registers.rflags = rflags_of(frame);
  return registers;
}

void set_registers(Frame& frame, const GuestRegisters& registers) {
  std::memcpy(&frame.guest.rax, registers.general, sizeof registers.general);
  frame.guest.rip = registers.rip;
  set_rflags(frame, registers.rflags);
}

// The FXSAVE area (Intel SDM, vol. 1, 10.5.1).
using FpState = std::array<uint8_t, x86::kFpState>;
constexpr size_t kMxcsrAt = 24, kMxcsrMaskAt = 28, kVectorsAt = 160, kVectorBytes = 256,
                 kPieceBytes = 16;

FpState fp_state_of(const Frame& frame) {
  FpState area = {};
  for (unsigned i = 0; i < kX87Pieces; ++i) {
    uint64_t piece[2];
    get_piece(frame.x87, i, piece);
    std::memcpy(&area[kPieceBytes * i], piece, sizeof piece);
  }
  std::memcpy(&area[kMxcsrAt], &frame.guest.mxcsr, sizeof frame.guest.mxcsr);
  std::memcpy(&area[kMxcsrMaskAt], &mxcsr::kAll, sizeof mxcsr::kAll);
  std::memcpy(&area[kVectorsAt], &frame.guest.xmm0_low, kVectorBytes);
  return area;
}

// False if MXCSR cannot have the value that is there.
bool set_fp_state(Frame& frame, const FpState& area) {
  uint32_t control;
  std::memcpy(&control, &area[kMxcsrAt], sizeof control);
  if ((control & ~mxcsr::kAll) != 0) return false;
  set_mxcsr(frame, control);
  for (unsigned i = 0; i < kX87Pieces; ++i) {
    uint64_t piece[2];
    std::memcpy(piece, &area[kPieceBytes * i], sizeof piece);
    set_piece(frame.x87, i, piece);
  }
  std::memcpy(&frame.guest.xmm0_low, &area[kVectorsAt], kVectorBytes);
  return true;
}

// A handler begins with vector registers and x87 as a program does (fpu__clear_user_states).
void clear_float_state(Frame& frame) {
  std::memset(&frame.guest.xmm0_low, 0, kVectorBytes);
  set_mxcsr(frame, mxcsr::kAtStart);
  initialise(frame.x87);
}

[[noreturn]] void die_of(int signal) { throw GuestExit{128 + signal, signal}; }

void send_again(const siginfo_t& info) {
  host_call(SYS_rt_tgsigqueueinfo,
            {{getpid(), host_call(SYS_gettid, {}), info.si_signo, reinterpret_cast<long>(&info)}});
}

void set_mask(uint64_t mask) {
  set_host_mask(mask);
  t_mask = mask;
  t_mask_known = true;
}

// What no thread lets in.
uint64_t blocked_by_all(uint64_t mask, std::span<GuestThread* const> all) {
  for (GuestThread* other : all)
    if (!other->exited) mask &= own(*other).mask;
  return mask;
}

// kernel/signal.c: complete_signal. What is sent to a process is its first thread's, if that lets
// it in; null if it does not, or if the signal is for the thread that has caused it.
LinuxThread* first_of(const siginfo_t& info, std::span<GuestThread* const> all) {
  if (info.si_signo == SIGPIPE || info.si_signo == SIGXFSZ) return nullptr;
  for (GuestThread* one : all)
    if (!one->exited && own(*one).tid == getpid())
      return (own(*one).mask & signal_bit(info.si_signo)) == 0 ? &own(*one) : nullptr;
  return nullptr;
}

void keep_for(LinuxThread& thread, const siginfo_t& info, std::span<GuestThread* const> all) {
  thread.sent.push_back(info);
  for (GuestThread* one : all)
    if (&own(*one) == &thread) {
      one->asleep = false;
      one->host_wait.reset();
    }
}

// A thread that lets it in is woken for it. Where there is none any more it waits with this one.
void keep_for_another(LinuxThread& mine, const siginfo_t& info, std::span<GuestThread* const> all) {
  for (GuestThread* other : all) {
    if (other->exited || (own(*other).mask & signal_bit(info.si_signo)) != 0) continue;
    own(*other).sent.push_back(info);
    other->asleep = false;
    other->host_wait.reset();
    return;
  }
  mine.sent.push_back(info);
}

}  // namespace

void die_of_signal(int signal) {
  const x86::SignalAction action = {};
  host_call(SYS_rt_sigaction, {{signal, reinterpret_cast<long>(&action), 0, sizeof action.mask}});
  const uint64_t mask = ~signal_bit(signal);
  host_call(SYS_rt_sigprocmask, {{SIG_SETMASK, reinterpret_cast<long>(&mask), 0, sizeof mask}});
  host_call(SYS_tgkill, {{getpid(), host_call(SYS_gettid, {}), signal}});
  _exit(128 + signal);  // its default action is not to end the process
}

bool on_alternate_stack(const x86::SignalStack& stack, uint64_t rsp) {
  if ((stack.flags & (SS_DISABLE | kAutoDisarm)) != 0) return false;
  return rsp > stack.sp && rsp - stack.sp <= stack.size;
}

Signals::Signals(Futexes& futexes) : futexes_(futexes) {
  for (int signal = 1; signal <= static_cast<int>(x86::kSignals); ++signal) {
    x86::SignalAction before = {};
    if (signal == SIGSEGV || signal == SIGBUS) continue;
    host_call(SYS_rt_sigaction, {{signal, 0, reinterpret_cast<long>(&before), sizeof before.mask}});
    if (before.handler == kIgnore) actions_[static_cast<size_t>(signal)].handler = kIgnore;
  }
}

x86::SignalAction Signals::action(int signal) {
  std::scoped_lock hold(lock_);
  return actions_[static_cast<size_t>(signal)];
}

void Signals::set_action(int signal, const x86::SignalAction& action) {
  const SignalsHeld held;  // a handler must not interrupt the lock's owner on its way into it
  std::scoped_lock hold(lock_);
  actions_[static_cast<size_t>(signal)] = action;
  set_host_action(signal, action);
}

void Signals::renew_set_id() {
  constexpr int kSetId = 33;  // SIGSETXID
  set_action(kSetId, action(kSetId));
}

void Signals::forget_handlers() {
  for (int signal = 1; signal <= static_cast<int>(x86::kSignals); ++signal)
    if (is_handler(action(signal).handler)) set_action(signal, {});
}

bool Signals::restarts(int signal) {
  return signal != 0 && (action(signal).flags & SA_RESTART) != 0;
}

void Signals::deliver(GuestMemory& memory, GuestThread& thread, std::span<GuestThread* const> all) {
  LinuxThread& mine = own(thread);
  set_running_frame(thread.frame);
  for (;;) {
    const uint64_t mask = blocked_by_all(mine.mask, all);
    if (arrived() == 0) {
      const auto sent = std::find_if(mine.sent.begin(), mine.sent.end(), [&](const siginfo_t& one) {
        return (mine.mask & signal_bit(one.si_signo)) == 0;
      });
      if (sent != mine.sent.end()) {
        const siginfo_t info = *sent;
        mine.sent.erase(sent);
        handle(memory, thread, info);
        continue;
      }
      if (!t_mask_known || t_mask != (mask | held_)) set_mask(mask | held_);
      if (arrived() == 0) return;
    }
    siginfo_t info;
    take_arrived(info);
    t_mask_known = false;
    // What a call has let in by a mask of its own is this thread's, and so is all of a thread
    // alone.
    LinuxThread* first = first_of(info, all);
    const bool lets_in = mask == mine.mask || (mine.mask & signal_bit(info.si_signo)) == 0;
    if (first != nullptr && first != &mine)
      keep_for(*first, info, all);
    else if (lets_in)
      handle(memory, thread, info);
    else
      keep_for_another(mine, info, all);
  }
}

void Signals::handle(GuestMemory& memory, GuestThread& thread, const siginfo_t& info) {
  const x86::SignalAction what = action(info.si_signo);
  if (is_handler(what.handler)) return enter(memory, thread, info, what, {});
  if (what.handler == kIgnore) return;
  if (info.si_signo == SIGSEGV || info.si_signo == SIGBUS) die_of(info.si_signo);
  send_again(info);  // the disposition has changed meanwhile: the kernel does the rest
}

bool Signals::awaited(std::span<GuestThread* const> all) {
  // Those that only the process's own threads cause: faults, and what glibc's send each other
  // (nptl/pthreadP.h: SIGCANCEL, SIGSETXID), whose handlers are there in every program with
  // threads.
  constexpr uint64_t kOwn = signal_bit(SIGILL) | signal_bit(SIGTRAP) | signal_bit(SIGBUS) |
                            signal_bit(SIGFPE) | signal_bit(SIGSEGV) | signal_bit(32) |
                            signal_bit(33);
  const uint64_t blocked = blocked_by_all(~uint64_t{0}, all) | kOwn;
  for (int signal = 1; signal <= static_cast<int>(x86::kSignals); ++signal)
    if ((blocked & signal_bit(signal)) == 0 && is_handler(action(signal).handler)) return true;
  return false;
}

// Nothing comes between the look at what has arrived and the wait.
long Signals::wait(std::span<GuestThread* const> all, std::span<pollfd> descriptors,
                   const timespec* limit) {
  const uint64_t every = host_mask(~uint64_t{0});
  host_call(SYS_rt_sigprocmask, {{SIG_BLOCK, reinterpret_cast<long>(&every), 0, sizeof every}});
  t_mask_known = false;
  if (arrived() != 0) return -EINTR;
  const uint64_t mask = host_mask(blocked_by_all(~uint64_t{0}, all) | held_);
  return host_call(
      SYS_ppoll,
      {{reinterpret_cast<long>(descriptors.data()), static_cast<long>(descriptors.size()),
        reinterpret_cast<long>(limit), reinterpret_cast<long>(&mask), sizeof mask}});
}

bool Signals::handles(GuestThread& thread, int signal) {
  return (own(thread).mask & signal_bit(signal)) == 0 && is_handler(action(signal).handler);
}

bool Signals::raise(GuestMemory& memory, GuestThread& thread, const GuestTrap& trap) {
  if (!handles(thread, trap.signal)) return false;
  const x86::SignalAction what = action(trap.signal);
  siginfo_t info = {};
  info.si_signo = trap.signal;
  info.si_code = trap.code;
  info.si_addr = reinterpret_cast<void*>(trap.address);
  enter(memory, thread, info, what, trap.cause);
  return true;
}

void Signals::end_wait(LinuxThread& mine, GuestRegisters& registers, bool restarts) {
  constexpr uint64_t kSystemCallLength = 2;
  const auto returned = [&](int64_t result) {
    registers.general[0] = static_cast<uint64_t>(result);
    registers.rip += kSystemCallLength;
  };
  if (mine.retrying) {
    if (mine.moved != 0)
      returned(static_cast<int64_t>(mine.moved));
    else if (*mine.retrying != Restart::IfAsked || !restarts)
      returned(-EINTR);
    mine.retrying.reset();
    mine.deadline.reset();
    mine.moved = 0;
    mine.waits_outside = false;
  }
  if (mine.futex_waits) {
    const auto command = static_cast<uint32_t>(registers.general[kRsi]) & FUTEX_CMD_MASK;
    const bool owns = command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2;  // always restarted
    const bool timed = mine.futex_until.has_value();
    if (futexes_.interrupt(mine))
      returned(0);
    else if (!owns && (timed || !restarts))
      returned(-EINTR);
  }
}

void Signals::enter(GuestMemory& memory, GuestThread& thread, const siginfo_t& info,
                    const x86::SignalAction& action, const TrapCause& cause) {
  LinuxThread& mine = own(thread);
  Frame& frame = *thread.frame;
  GuestRegisters registers = registers_of(frame);
  const uint64_t mask = mine.end_suspension();
  end_wait(mine, registers, (action.flags & SA_RESTART) != 0);
  x86::SignalStack stack = mine.stack;
  const uint64_t rsp = registers.general[kRsp];
  const bool on_it = on_alternate_stack(stack, rsp);
  const bool alternate =
      (action.flags & SA_ONSTACK) != 0 && (stack.flags & SS_DISABLE) == 0 && !on_it;
  const SignalFrameInput input{registers, info, action, stack, mask, cause};
  const FramePlace place = place_signal_frame(alternate ? stack.sp + stack.size : rsp, alternate);
  const x86::SignalFrame bytes = make_signal_frame(input, place);
  const FpState fp = fp_state_of(frame);
  if (!memory.host_write(&frame.guest, place.fpstate, fp.data(), fp.size()) ||
      !memory.host_write(&frame.guest, place.frame, &bytes, sizeof bytes))
    die_of(SIGSEGV);
  set_registers(frame, enter_handler(input, place));
  clear_float_state(frame);
  if ((stack.flags & kAutoDisarm) != 0)
    mine.stack = {.sp = 0, .flags = SS_DISABLE, .pad = 0, .size = 0};
  if ((action.flags & SA_RESETHAND) != 0)
    set_action(info.si_signo,
               {.handler = kDefault, .flags = action.flags, .restorer = 0, .mask = 0});
  const uint64_t itself = (action.flags & SA_NODEFER) != 0 ? 0 : signal_bit(info.si_signo);
  mine.mask = (mine.mask | action.mask | itself) & ~kUnblockable;
}

bool Signals::leave_handler(GuestMemory& memory, GuestThread& thread) {
  LinuxThread& mine = own(thread);
  Frame& frame = *thread.frame;
  const uint64_t at =
      frame.guest.rsp - sizeof(uint64_t);  // the handler's ret has taken the first word
  x86::SignalFrame bytes;
  if (!memory.host_read(&frame.guest, at, &bytes, sizeof bytes)) return false;
  FpState fp;
  const uint64_t fp_at = bytes.user.context.fpstate;
  if (!memory.host_read(&frame.guest, fp_at, fp.data(), fp.size()) || !set_fp_state(frame, fp))
    return false;
  set_registers(frame, mtetso::registers_of(bytes, registers_of(frame)));
  mine.mask = bytes.user.mask & ~kUnblockable;
  const x86::SignalStack& stack = bytes.user.stack;
  if (!on_alternate_stack(mine.stack, frame.guest.rsp)) mine.stack = stack;
  return true;
}

}  // namespace mtetso
