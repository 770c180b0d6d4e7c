// SPDX-License-Identifier: MIT
#ifdef __aarch64__

#include "fault/handler.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "fault/resolve.h"
#include "memory/file_end.h"
#include "memory/signals.h"
#include "memory/tags.h"

// Younger than some C libraries: the tag bits of si_addr (Linux 5.11), the tag check fault's code.
#ifndef SA_EXPOSE_TAGBITS
#define SA_EXPOSE_TAGBITS 0x800
#endif
#ifndef SEGV_MTESERR
#define SEGV_MTESERR 9
#endif

namespace mtetso {
namespace {

constexpr size_t kSignalStack = 64 * 1024;

FaultResolver* g_resolver = nullptr;
std::atomic<uintptr_t> g_trampoline{0};
std::atomic<SentSignal> g_sent{nullptr};
struct sigaction g_previous_segv;
struct sigaction g_previous_bus;

FaultKind kind_of(int signal, int code) {
  if (signal == SIGSEGV && code == SEGV_MTESERR) return FaultKind::TagCheck;
  if (signal == SIGBUS && code == BUS_ADRALN) return FaultKind::Alignment;
  if (signal == SIGBUS && code == BUS_ADRERR) return FaultKind::FileEnd;
  return FaultKind::Other;
}

// Restores the previous handler of the signal. A fault happens again when this one returns, with
// its own si_code and si_addr, which would be lost if it were raised. A signal that was sent does
// not happen again: it is queued again, unchanged.
void decline(int signal, siginfo_t* info) {
  sigaction(signal, signal == SIGSEGV ? &g_previous_segv : &g_previous_bus, nullptr);
  if (info->si_code <= 0)
    syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signal, info);
}

// Signals that may run other handlers are blocked meanwhile (deferrable_signals): a handler that
// accesses guest memory would wait for the lock that this thread holds. What sets errno restores
// it.
void on_fault(int signal, siginfo_t* info, void* raw) {
  auto& context = static_cast<ucontext_t*>(raw)->uc_mcontext;
  Resolution found;
  const int code = info->si_code;
  if (code == BUS_ADRERR && signal == SIGBUS) {
    if (const uintptr_t to = leave_file_reaches(context.pc)) {
      context.pc = to;
      return;
    }
  }
  if (code > 0) {
    // The handler accesses the runtime's memory, where checks only cost time. Its one access to the
    // guest's memory must pass as well (interpret.h).
    const UncheckedAccess unchecked;
    found = g_resolver->resolve({.kind = kind_of(signal, code),
                                 .address = reinterpret_cast<uintptr_t>(info->si_addr),
                                 .registers = reinterpret_cast<uint64_t*>(context.regs),
                                 .pc = &context.pc});
  }
  if (found.verdict == Verdict::Resumed) return;
  const uintptr_t trampoline = g_trampoline.load(std::memory_order_acquire);
  const bool ended = found.verdict == Verdict::FileEnded;
  if ((found.verdict == Verdict::GuestFault || ended) && trampoline != 0) {
    context.regs[17] = found.guest_rip;
    context.regs[20] = found.address | (ended ? kFileEnded : 0);
    context.pc = trampoline;
  } else {
    const int saved = errno;
    const SentSignal sent = code <= 0 ? g_sent.load(std::memory_order_acquire) : nullptr;
    if (sent == nullptr || !sent(signal, *info, raw)) decline(signal, info);
    errno = saved;
  }
}

}  // namespace

bool install_handler(const Options& options, Protocol& protocol, GuestMemory& memory) {
  const bool first = g_resolver == nullptr;
  // Never destroyed: faults may come until the process is gone.
  g_resolver = new FaultResolver({.decision = {.policy = options.policy,
                                               .claim_threshold = options.claim_threshold,
                                               .interpret_threshold = options.interpret_threshold},
                                  .pin_threshold = options.pin_threshold,
                                  .guard_tag = core_tags(options).guard},
                                 protocol, memory);
  if (!first) return true;  // asking again would make this handler its own predecessor
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_EXPOSE_TAGBITS;
  action.sa_mask = deferrable_signals();
  return sigaction(SIGSEGV, &action, &g_previous_segv) == 0 &&
         sigaction(SIGBUS, &action, &g_previous_bus) == 0;
}

namespace {

// Given back when the thread ends.
struct SignalStack {
  void* memory = MAP_FAILED;
  size_t length = 0;
  ~SignalStack() {
    if (memory == MAP_FAILED) return;
    stack_t none = {};
    none.ss_flags = SS_DISABLE;
    if (sigaltstack(&none, nullptr) == 0) munmap(memory, length);
  }
};

thread_local SignalStack g_stack;

}  // namespace

bool install_signal_stack() {
  const auto guard = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, guard + kSignalStack, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return false;
  g_stack.memory = memory;
  g_stack.length = guard + kSignalStack;
  stack_t stack = {};
  stack.ss_sp = static_cast<char*>(memory) + guard;
  stack.ss_size = kSignalStack;
  return mprotect(memory, guard, PROT_NONE) == 0 && sigaltstack(&stack, nullptr) == 0;
}

void set_sent_signal(SentSignal function) { g_sent.store(function, std::memory_order_release); }

void set_fault_trampoline(uintptr_t address) {
  g_trampoline.store(address, std::memory_order_release);
}

}  // namespace mtetso

#endif
