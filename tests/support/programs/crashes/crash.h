/* What the crashing programs share: facts about their bug, on standard output, and what programs do
 * when a signal tells them of it.
 *
 * A fact is a line `NAME VALUE…`; `at FUNCTION LINE` says where the wrong access is. */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone, noipa))
#endif
/* The compiler must not know where a pointer comes from: the bugs here are on purpose. */
#define HIDE(value) __asm__ volatile("" : "+r"(value))
/* What comes after a call keeps it from being a jump, and its frame alive. */
#define NO_TAIL_CALL() __asm__ volatile("" ::: "memory")

/* Standard output's buffer is none of the heap's objects. */
__attribute__((constructor)) static void quiet_heap(void) {
  static char lines[4096];
  setvbuf(stdout, lines, _IOFBF, sizeof lines);
}

static inline void say(const char* name, uintptr_t value) {
  printf("%s %lx\n", name, (unsigned long)value);
  fflush(stdout);
}

/* Says where the wrong access is: on the next line of the source. */
#define HERE() (printf("at %s %d\n", __func__, __LINE__ + 1), fflush(stdout))

#ifndef __cplusplus
#define NO_RETURN _Noreturn
#else
#define NO_RETURN [[noreturn]]
#endif

static pthread_barrier_t crash_seen;
static sigjmp_buf crash_way_out;
static struct sigaction crash_older;

static void by_raise(int signal_number) {
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static void by_kill(int signal_number) {
  signal(signal_number, SIG_DFL);
  kill(getpid(), signal_number);
}

static void by_tgkill(int signal_number, siginfo_t* info, void* context) {
  (void)context;
  signal(signal_number, SIG_DFL);
  syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal_number, info);
}

static void by_abort(int signal_number) {
  static const char text[] = "crash handler: giving up\n";
  if (write(2, text, sizeof text - 1) < 0) _exit(signal_number);
  abort();
}

static void by_trap(int signal_number) {
  (void)signal_number;
  __builtin_trap();
}

/* Returns with the default action in place: the instruction faults again. */
static void by_return(int signal_number) { signal(signal_number, SIG_DFL); }

/* A handler that crashes itself. */
static void by_nested(int signal_number) {
  int* nothing = (int*)(uintptr_t)(signal_number - SIGSEGV);
  HIDE(nothing);
  *nothing = 1;
}

static void by_way_out(int signal_number) { siglongjmp(crash_way_out, signal_number); }

static void by_chain(int signal_number, siginfo_t* info, void* context) {
  if (crash_older.sa_flags & SA_SIGINFO)
    crash_older.sa_sigaction(signal_number, info, context);
  else
    crash_older.sa_handler(signal_number);
}

/* The thread waits for another one, which writes a report and ends the process. */
static void by_other_thread(int signal_number) {
  (void)signal_number;
  pthread_barrier_wait(&crash_seen);
  for (;;) pause();
}

static void* reporter(void* unused) {
  pthread_barrier_wait(&crash_seen);
  abort();
  return unused;
}

/* The handler loops until an alarm ends it. */
static void by_loop(int signal_number) {
  HIDE(signal_number);
  alarm(1);
  for (;;) HIDE(signal_number);
}

static void on_alarm(int signal_number) {
  (void)signal_number;
  abort();
}

static void on_fault(void* handler, int flags) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL};
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_flags = flags;
  if (flags & SA_SIGINFO)
    action.sa_sigaction = (void (*)(int, siginfo_t*, void*))handler;
  else
    action.sa_handler = (void (*)(int))handler;
  for (size_t i = 0; i < sizeof signals / sizeof *signals; ++i)
    sigaction(signals[i], &action, i ? NULL : &crash_older);
}

/* An alternate stack for the thread that calls this. */
static void use_alternate_stack(void) {
  enum { size = 65536 };
  stack_t stack;
  memset(&stack, 0, sizeof stack);
  stack.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack.ss_size = size;
  sigaltstack(&stack, NULL);
}

/* Installs what the program does at a fault. Returns whether it knows `how`. */
static int handle_faults(const char* how) {
  if (!strcmp(how, "none")) return 1;
  if (!strcmp(how, "raise")) return on_fault((void*)by_raise, 0), 1;
  if (!strcmp(how, "kill")) return on_fault((void*)by_kill, 0), 1;
  if (!strcmp(how, "tgkill")) return on_fault((void*)by_tgkill, SA_SIGINFO), 1;
  if (!strcmp(how, "abort")) return on_fault((void*)by_abort, 0), 1;
  if (!strcmp(how, "trap")) return on_fault((void*)by_trap, 0), 1;
  if (!strcmp(how, "return")) return on_fault((void*)by_return, 0), 1;
  if (!strcmp(how, "nested")) return on_fault((void*)by_nested, 0), 1;
  if (!strcmp(how, "altstack")) {
    use_alternate_stack();
    return on_fault((void*)by_abort, SA_ONSTACK), 1;
  }
  if (!strcmp(how, "altraise")) {
    use_alternate_stack();
    return on_fault((void*)by_raise, SA_ONSTACK | SA_NODEFER), 1;
  }
  if (!strcmp(how, "chain")) {
    on_fault((void*)by_abort, 0);
    return on_fault((void*)by_chain, SA_SIGINFO), 1;
  }
  if (!strcmp(how, "reporter")) {
    pthread_t other;
    pthread_barrier_init(&crash_seen, NULL, 2);
    if (pthread_create(&other, NULL, reporter, NULL)) return 0;
    return on_fault((void*)by_other_thread, 0), 1;
  }
  if (!strcmp(how, "loop")) {
    signal(SIGALRM, on_alarm);
    return on_fault((void*)by_loop, 0), 1;
  }
  if (!strcmp(how, "wayout") || !strcmp(how, "recovered"))
    return on_fault((void*)by_way_out, SA_NODEFER), 1;
  return 0;
}

/* Runs `bug`, which crashes. `wayout`: the handler leaves by siglongjmp and the program ends itself
 * at once. `recovered`: it goes on and much later dies of something else. */
static NOINLINE void run_bug(void (*bug)(void), const char* how) {
  if (!strcmp(how, "wayout")) {
    if (!sigsetjmp(crash_way_out, 1)) bug();
    abort();
  }
  if (!strcmp(how, "recovered")) {
    if (!sigsetjmp(crash_way_out, 1)) bug();
    printf("recovered 1\nat run_bug %d\n", __LINE__ + 2);
    fflush(stdout);
    abort();
  }
  bug();
  NO_TAIL_CALL();
}

static void (*crash_bug)(void);
static const char* crash_how;

static NOINLINE void* second_thread(void* unused) {
  if (!strncmp(crash_how, "alt", 3)) use_alternate_stack();
  run_bug(crash_bug, crash_how);
  NO_TAIL_CALL();
  return unused;
}

static void* busy_thread(void* unused) {
  for (;;) usleep(1000);
  return unused;
}

/* The end of `main`: the bug, in this thread or (`threads`) in one of several. */
static NOINLINE int crash(void (*bug)(void), const char* how, int threads) {
  crash_bug = bug;
  crash_how = how;
  if (!handle_faults(how)) return fprintf(stderr, "no such handler: %s\n", how), 2;
  if (threads) {
    pthread_t busy, other;
    if (pthread_create(&busy, NULL, busy_thread, NULL)) return 1;
    if (pthread_create(&other, NULL, second_thread, NULL)) return 1;
    pthread_join(other, NULL);
  } else {
    run_bug(bug, how);
  }
  fprintf(stderr, "the bug did not crash\n");
  return 3;
}
