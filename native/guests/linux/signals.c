// SPDX-License-Identifier: MIT
//
// Signals of every kind: sent and raised, masks, alternate stacks, restarts, what a handler sees
// and changes.
#include "raw.h"

enum {
  HUP = 1,
  ILL = 4,
  TRAP = 5,
  FPE = 8,
  USR1 = 10,
  SEGV = 11,
  USR2 = 12,
  ALRM = 14,
  CHLD = 17,
  RT = 34
};

struct context {  // the kernel's struct ucontext, up to the mask
  unsigned long flags, link, stack[3];
  unsigned long r8_to_15[8], rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags, selectors;
  unsigned long error, trap, old_mask, cr2, fpstate, reserved[8];
  unsigned long mask;
};

static volatile int depth;
static char stack[16384];
static int* seen_value;

static void plain(int signal) { show("handler", signal); }

static void informed(int signal, int* info, struct context* context) {
  show("informed", signal);
  show("  number", info[0]);
  show("  code", info[2]);
  show("  mask", (word)context->mask);
  show("  flags", (word)context->flags & ~1);  // without UC_FP_XSTATE
  show("  aligned", ((unsigned long)__builtin_frame_address(0) & 15) == 0);
}

static void nested(int signal) {
  ++depth;
  show("depth", depth);
  const word pid = CALL(getpid), tid = CALL(gettid);
  if (depth < 3) CALL(tgkill, pid, tid, signal);
  show("leaving", depth);
  --depth;
}

static void on_stack(int signal) {
  char here;
  show("on the alternate stack", &here >= stack && &here < stack + sizeof stack);
  unsigned long now[3];
  CALL(sigaltstack, 0, now);
  show("  flags", (int)now[1]);
  show("  signal", signal);
}

static void skip_fault(int signal, int* info, struct context* context) {
  show("fault", signal);
  show("  code", info[2]);
  show("  address", *(word*)(info + 4) == 0x1234 || signal != SEGV);
  show("  trap", (word)context->trap);
  show("  cr2", signal != SEGV || context->cr2 == 0x1234);
  context->rip = context->rbx;  // where the faulting code wants to go on
}

static void skip_trap(int signal, int* info, struct context* context) {
  show("trap", signal);
  show("  code", info[2]);
  show("  number", (word)context->trap);
  show("  error", (word)context->error);
  show("  behind", context->rip == context->rbx);
  context->rip = context->rbx;
}

// What only a kernel may execute, and a breakpoint.
static void privileged(void) {
  __asm__ volatile("lea 1f(%%rip), %%rbx\n int3\n 1:" ::: "rbx", "memory");
  __asm__ volatile("lea 1f(%%rip), %%rbx\n hlt\n 1:" ::: "rbx", "memory");
  __asm__ volatile("lea 1f(%%rip), %%rbx\n cli\n 1:" ::: "rbx", "memory");
  __asm__ volatile("lea 1f(%%rip), %%rbx\n in $16, %%al\n 1:" ::: "rax", "rbx", "memory");
  __asm__ volatile("lea 1f(%%rip), %%rbx\n mov %%cr3, %%rax\n 1:" ::: "rax", "rbx", "memory");
}

// The three ways in which an instruction raises a signal; rbx is where to go on.
static void fault_read(void) {
  __asm__ volatile("lea 1f(%%rip), %%rbx\n mov 0x1234, %%rax\n 1:" ::: "rax", "rbx", "memory");
}
static void fault_divide(void) {
  __asm__ volatile(
      "lea 1f(%%rip), %%rbx\n xor %%ecx, %%ecx\n mov $1, %%eax\n cltd\n idiv %%ecx\n 1:" ::
          : "rax", "rbx", "rcx", "rdx", "memory", "cc");
}
static void fault_undefined(void) {
  __asm__ volatile("lea 1f(%%rip), %%rbx\n ud2\n 1:" ::: "rbx", "memory");
}
static void fault_jump(void) {
  __asm__ volatile("lea 1f(%%rip), %%rbx\n mov $0x1234, %%eax\n jmp *%%rax\n 1:" ::
                       : "rax", "rbx", "memory");
}

static void change_registers(int signal, int* info, struct context* context) {
  (void)info;
  context->r8_to_15[4] = 4711;  // r12
  context->rflags |= 1;
  show("changing", signal);
}

static void clobber(int signal) {
  __asm__ volatile("pxor %%xmm5, %%xmm5" ::: "memory");
  show("clobbering", signal);
}

static void arm(unsigned micros) {
  const long timer[4] = {0, 0, 0, micros};
  CALL(setitimer, 0, timer, 0);
}

static volatile int ticks;
static void tick(int signal) {
  (void)signal;
  ++ticks;
}

int run(int argc, char** argv, char** envp) {
  (void)argv, (void)envp, (void)seen_value;
  const word pid = CALL(getpid), tid = CALL(gettid);
  show("sigaction", handle(USR1, plain, 0, 0));
  show("kill", CALL(kill, pid, USR1));
  show("tgkill", CALL(tgkill, pid, tid, USR1));
  show("refused", handle(9, plain, 0, 0));

  unsigned long set = 1ul << (USR1 - 1), before = 0;
  CALL(rt_sigprocmask, 0, &set, &before, 8);
  CALL(kill, pid, USR1);
  unsigned long pending = 0;
  CALL(rt_sigpending, &pending, 8);
  show("pending", (word)pending);
  say("unblocking");
  CALL(rt_sigprocmask, 1, &set, 0, 8);
  say("unblocked");

  handle(USR2, informed, SIGINFO, 1ul << (HUP - 1));
  CALL(kill, pid, USR2);
  handle(RT, informed, SIGINFO, 0);
  int info[32] = {RT, 0, -1};
  show("sigqueue", CALL(rt_sigqueueinfo, pid, RT, info));

  handle(USR1, nested, NODEFER, 0);
  CALL(kill, pid, USR1);
  handle(USR1, plain, (unsigned)RESETHAND, 0);
  CALL(kill, pid, USR1);
  struct raw_action now;
  CALL(rt_sigaction, USR1, 0, &now, 8);
  show("reset", now.handler == 0);

  const unsigned long alternate[3] = {(unsigned long)stack, 0, sizeof stack};
  show("sigaltstack", CALL(sigaltstack, alternate, 0));
  handle(USR1, on_stack, ONSTACK, 0);
  CALL(kill, pid, USR1);
  unsigned long after[3];
  CALL(sigaltstack, 0, after);
  show("off it", (int)after[1]);

  handle(SEGV, skip_fault, SIGINFO | ONSTACK, 0);
  handle(FPE, skip_fault, SIGINFO, 0);
  handle(ILL, skip_fault, SIGINFO, 0);
  fault_read();
  fault_jump();
  fault_divide();
  fault_undefined();
  handle(TRAP, skip_trap, SIGINFO, 0);
  handle(SEGV, skip_trap, SIGINFO, 0);
  privileged();
  CALL(kill, pid, FPE - FPE);

  handle(USR2, change_registers, SIGINFO, 0);
  word r12 = 1, carry = 0;
  __asm__ volatile("mov $1, %%r12d\n clc\n mov $62, %%eax\n syscall\n setc %b1\n mov %%r12, %0"
                   : "=r"(r12), "+r"(carry)
                   : "D"(pid), "S"((word)USR2)
                   : "rax", "rcx", "r11", "r12", "memory", "cc");
  show("r12", r12);
  show("carry", carry);

  handle(USR2, clobber, 0, 0);
  word vector = 0;
  __asm__ volatile(
      "mov $4712, %%eax\n movq %%rax, %%xmm5\n mov $62, %%eax\n syscall\n movq %%xmm5, %0"
      : "=r"(vector)
      : "D"(pid), "S"((word)USR2)
      : "rax", "rcx", "r11", "memory", "cc");
  show("xmm5", vector);

  // A loop without calls is left at a poll; a call that waits ends.
  handle(ALRM, tick, 0, 0);
  arm(20000);
  while (ticks == 0) {
  }
  say("the loop was interrupted");
  int ends[2];
  CALL(pipe, ends);
  char byte;
  arm(20000);
  show("read", CALL(read, ends[0], &byte, 1));
  arm(20000);
  show("pause", CALL(pause));
  const long second[2] = {10, 0};
  long left[2] = {0, 0};
  arm(20000);
  show("nanosleep", CALL(nanosleep, second, left));
  show("left", left[0]);
  arm(20000);
  show("poll", CALL(poll, 0, 0, 10000));
  set = 1ul << (HUP - 1);
  CALL(rt_sigprocmask, 0, &set, 0, 8);
  CALL(kill, pid, HUP);
  int got[32];
  show("sigtimedwait", CALL(rt_sigtimedwait, &set, got, second, 8));
  show("  number", got[0]);
  const long at_once[2] = {0, 1000};
  show("sigtimedwait", CALL(rt_sigtimedwait, &set, 0, at_once, 8));
  const word fd = CALL(signalfd4, -1, &set, 8, 0);
  CALL(kill, pid, HUP);
  int record[32];
  show("signalfd", CALL(read, fd, record, sizeof record));
  show("  number", record[0]);
  set = ~(1ul << (HUP - 1));
  handle(HUP, plain, 0, 0);
  CALL(kill, pid, HUP);
  show("sigsuspend", CALL(rt_sigsuspend, &set, 8));
  CALL(rt_sigprocmask, 2, &set, &before, 8);
  show("mask", (word)before);

  say("dying");
  if (argc > 1) {
    handle(SEGV, 0, 0, 0);
    fault_read();
  }
  handle(USR1, 0, 0, 0);
  set = 0;
  CALL(rt_sigprocmask, 2, &set, 0, 8);
  CALL(kill, pid, USR1);
  return 9;
}
