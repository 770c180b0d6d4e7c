// SPDX-License-Identifier: MIT
#include "linux/arrival.h"

#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstring>

#include "code/block_map.h"
#include "fault/handler.h"
#include "linux/host_call.h"
#include "linux/signals.h"
#include "memory/signals.h"
#include "run/profile_writer.h"

namespace mtetso {
namespace {

struct Arrival {
  uint32_t number = 0;
  Frame* frame = nullptr;
  siginfo_t info = {};
};

thread_local constinit Arrival t_arrival;

// Polls count the budget down in x17: ldr, sub, str, tbnz (Emitter::poll). A poll that has loaded
// it would write it back over what the handler writes: there the register is changed, too.
void stop_at_poll(Frame& frame, mcontext_t& machine) {
  frame.budget = 0;
  if (process_code_map().lookup(machine.pc) == nullptr) return;
  constexpr uint32_t kSub = 0x51000631;                                      // sub w17, w17, #1
  constexpr uint32_t kStr = 0xb9000391 | offsetof(Frame, budget) / 4 << 10;  // str w17, [x28, #…]
  constexpr uint32_t kTbnz = 0x37f80011, kTbnzMask = 0xfff8001f;             // tbnz w17, #31, …
  const uint32_t word = *reinterpret_cast<const uint32_t*>(machine.pc);
  if (word == kSub || word == kStr || (word & kTbnzMask) == kTbnz) machine.regs[17] = UINT32_MAX;
}

// What the guest does with SIGSEGV and SIGBUS, whose handler is the runtime's.
std::atomic<uint64_t> g_on_segv{0}, g_on_bus{0};

bool keep_sent(int signal, const siginfo_t& info, void* context) {
  const uint64_t handler = (signal == SIGSEGV ? g_on_segv : g_on_bus).load();
  if (is_handler(handler)) keep_arrived(signal, info, context);
  return handler != 0;
}

void on_signal(int signal, siginfo_t* info, void* context) { keep_arrived(signal, *info, context); }

}  // namespace

const uint32_t* arrived_flag() { return &t_arrival.number; }

int arrived() {
  return static_cast<int>(std::atomic_ref(t_arrival.number).load(std::memory_order_relaxed));
}

void take_arrived(siginfo_t& info) {
  info = t_arrival.info;
  std::atomic_ref(t_arrival.number).store(0, std::memory_order_relaxed);
}

void set_running_frame(Frame* frame) { t_arrival.frame = frame; }

void keep_arrived(int signal, const siginfo_t& info, void* context) {
  auto& user = *static_cast<ucontext_t*>(context);
  t_arrival.info = info;
  std::atomic_ref(t_arrival.number).store(static_cast<uint32_t>(signal), std::memory_order_relaxed);
  const sigset_t all = deferrable_signals();
  uint64_t mask, more;  // sigaddset leaves out the C library's own
  std::memcpy(&mask, &user.uc_sigmask, sizeof mask);
  std::memcpy(&more, &all, sizeof more);
  mask |= more;
  std::memcpy(&user.uc_sigmask, &mask, sizeof mask);
  auto& machine = user.uc_mcontext;
  if (t_arrival.frame != nullptr) stop_at_poll(*t_arrival.frame, machine);
  if (const uintptr_t to = leave_waiting_call(machine.pc)) machine.pc = to;
}

// First everything is blocked: otherwise a second signal could arrive on top of one that came just
// before.
void set_host_mask(uint64_t mask) {
  const uint64_t all = ~uint64_t{0}, wanted = host_mask(mask);
  const uint64_t blocked = host_mask(all);
  host_call(SYS_rt_sigprocmask, {{SIG_BLOCK, reinterpret_cast<long>(&blocked), 0, sizeof blocked}});
  if (arrived() != 0) return;
  host_call(SYS_rt_sigprocmask, {{SIG_SETMASK, reinterpret_cast<long>(&wanted), 0, sizeof wanted}});
}

uint64_t current_host_mask() {
  uint64_t mask = 0;
  host_call(SYS_rt_sigprocmask, {{SIG_BLOCK, 0, reinterpret_cast<long>(&mask), sizeof mask}});
  return mask;
}

// The kernel's own call: the C library keeps two signals for itself, and does not use them here.
void set_host_action(int signal, const x86::SignalAction& action) {
  if (signal == SIGSEGV || signal == SIGBUS) {
    (signal == SIGSEGV ? g_on_segv : g_on_bus).store(action.handler);
    return set_sent_signal(keep_sent);
  }
  constexpr uint64_t kKept = SA_NOCLDSTOP | SA_NOCLDWAIT;
  constexpr uint64_t kDefault = 0;
  if (action.handler == kDefault && ProfileWriter::take(signal)) return;
  x86::SignalAction host = {};
  host.handler = action.handler;
  host.flags = action.flags & kKept;
  if (is_handler(action.handler)) {
    host.handler = reinterpret_cast<uintptr_t>(&on_signal);
    host.flags |= SA_SIGINFO | SA_ONSTACK;
    host.mask = host_mask(~uint64_t{0});
  }
  host_call(SYS_rt_sigaction, {{signal, reinterpret_cast<long>(&host), 0, sizeof host.mask}});
}

}  // namespace mtetso
