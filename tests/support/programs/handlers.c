/* Crash handlers as programs have them: the signal that kills is not the fault's.
 *
 *   handlers FAULT IDIOM
 *
 * FAULT: load, store (a pointer whose tag is not the memory's), null, text (a store to code).
 * IDIOM: none; raise, kill, tgkill, nodefer (raised while it is not blocked), abort, trap, quit
 * (another signal), loop (until another thread ends the process), other (another thread is asked to
 * abort), nested (the handler faults itself), return (it returns, and all begins again).
 * With "plain-" before all the handler asks for no siginfo; with "alt-" before it the handler runs
 * on an alternate stack; with "thread-" the fault is another thread's. What must not be blamed:
 * "handled" (a fault is handled, the handler returns, and a long time after the program aborts),
 * "jumped" (the same by siglongjmp), "sent" (nothing faults: the program sends itself the signal),
 * "user" (it aborts in the handler of SIGUSR1). */
#include "mte.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <ucontext.h>

static const char *fault, *idiom;
static char* wrong;
static volatile sig_atomic_t again, asked;
static sigjmp_buf way_out;

static __attribute__((noinline)) void fault_here(void) {
  if (!strcmp(fault, "load")) {
    mte_load8(wrong);
  } else if (!strcmp(fault, "store")) {
    __asm__ volatile("str xzr, [%0]" ::"r"(wrong) : "memory");
  } else if (!strcmp(fault, "null")) {
    mte_load8((char*)8);
  } else {
    __asm__ volatile("str xzr, [%0]" ::"r"(&fault_here) : "memory");
  }
  __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void report(int number) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  if (!strcmp(idiom, "raise") || !strcmp(idiom, "nodefer")) {
    sigaction(number, &plain, NULL);
    raise(number);
  } else if (!strcmp(idiom, "kill")) {
    sigaction(number, &plain, NULL);
    kill(getpid(), number);
  } else if (!strcmp(idiom, "tgkill")) {
    sigaction(number, &plain, NULL);
    syscall(SYS_tgkill, getpid(), gettid(), number);
  } else if (!strcmp(idiom, "abort")) {
    abort();
  } else if (!strcmp(idiom, "trap")) {
    __builtin_trap();
  } else if (!strcmp(idiom, "quit")) {
    raise(SIGQUIT);
  } else if (!strcmp(idiom, "loop") || !strcmp(idiom, "other")) {
    asked = 1;
    for (;;) __asm__ volatile("" ::: "memory");
  } else if (!strcmp(idiom, "nested")) {
    mte_load8((char*)16);
  } else {
    sigaction(number, &plain, NULL);
  }
}

static void handler(int number, siginfo_t* info, void* context) {
  ucontext_t* state = context;
  (void)info;
  if (!strcmp(idiom, "handled") && !again) {
    again = 1;
    state->uc_mcontext.pc += 4;
    return;
  }
  if (!strcmp(idiom, "jumped")) siglongjmp(way_out, 1);
  report(number);
}

static void* watch(void* unused) {
  while (!asked) usleep(1000);
  usleep(20000);
  if (!strcmp(idiom, "other")) abort();
  kill(getpid(), SIGABRT);
  return unused;
}

static void* run(void* unused) {
  stack_t other = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
  sigaltstack(&other, NULL);
  if (!strcmp(idiom, "sent")) raise(SIGSEGV);
  if (!strcmp(idiom, "user")) {
    idiom = "abort";
    raise(SIGUSR1);
  }
  if (!strcmp(idiom, "jumped") && sigsetjmp(way_out, 1)) abort();
  fault_here();
  if (!strcmp(idiom, "handled")) abort();
  return unused;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  fault = argv[1];
  const char* words = argv[2];
  int plain = !strncmp(words, "plain-", 6);
  words += plain ? 6 : 0;
  int alternate = !strncmp(words, "alt-", 4);
  words += alternate ? 4 : 0;
  int threaded = !strncmp(words, "thread-", 7);
  idiom = words + (threaded ? 7 : 0);
  mte_enable(PR_MTE_TCF_SYNC);
  char* memory = mte_map(MTE_PAGE);
  for (int at = 0; at < MTE_PAGE; at += MTE_GRANULE) mte_set(memory + at, 3);
  wrong = mte_with_tag(memory + 64, 5);
  mte_say("pointer", (uintptr_t)wrong);
  int flags = (plain ? 0 : SA_SIGINFO) | (alternate ? SA_ONSTACK : 0);
  if (!strcmp(idiom, "nodefer")) flags |= SA_NODEFER;
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags};
  if (plain) action.sa_handler = report;
  if (strcmp(idiom, "none") != 0 && strcmp(idiom, "sent") != 0) {
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
  }
  pthread_t one, two;
  if (!strcmp(idiom, "loop") || !strcmp(idiom, "other")) pthread_create(&two, NULL, watch, NULL);
  if (!threaded) return run(NULL) != NULL;
  return pthread_create(&one, NULL, run, NULL) || pthread_join(one, NULL);
}
