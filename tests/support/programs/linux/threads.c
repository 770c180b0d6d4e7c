/* SPDX-License-Identifier: MIT */
/* Four threads count under a lock made of futexes; each has a thread pointer of its own, and the
   floating-point control of its maker. Then they touch fresh memory at once. */
#include "raw.h"

enum { kThreads = 4, kRounds = 300, kPieces = 100, kPiece = 1 << 16 };
enum { kWait = 128, kWake = 129, kWaitShared = 0 };

static unsigned g_lock, g_arrived;
static word g_count;
static volatile char* g_fresh;
unsigned g_alive[kThreads], g_numbers[kThreads];
word g_pointers[kThreads][4];

static void lock(void) {
  unsigned free = 0;
  if (__atomic_compare_exchange_n(&g_lock, &free, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return;
  while (__atomic_exchange_n(&g_lock, 2, __ATOMIC_SEQ_CST) != 0) CALL3(kFutex, &g_lock, kWait, 2);
}

static void unlock(void) {
  if (__atomic_exchange_n(&g_lock, 0, __ATOMIC_SEQ_CST) == 2) CALL3(kFutex, &g_lock, kWake, 1);
}

/* All of them touch the same memory for the first time, at once. */
static void touch(word index) {
  for (unsigned i = 0; i < kPieces; ++i) {
    __atomic_fetch_add(&g_arrived, 1, __ATOMIC_SEQ_CST);
    for (word tries = 1; __atomic_load_n(&g_arrived, __ATOMIC_SEQ_CST) < kThreads * (i + 1);
         ++tries)
      if (tries % 256 == 0) CALL3(kYield, 0, 0, 0);
    g_fresh[i * kPiece + index * 4160] = (char)(index + 1);
  }
}

/* Rounding upwards, in SSE and x87. */
static const unsigned g_mxcsr = 0x5f80;
static const unsigned short g_control = 0x0b7f;

__attribute__((used)) static void body(word index) {
  unsigned mxcsr;
  unsigned short control;
  __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(control));
  CHECK(mxcsr == g_mxcsr && control == g_control);
  word own;
  __asm__ volatile("mov %%fs:8, %0" : "=r"(own));
  for (int i = 0; i < kRounds; ++i) {
    lock();
    g_count += own == 100 + index;
    unlock();
    if (i % 64 == 0) CALL3(kYield, 0, 0, 0);
  }
  touch(index);
  CALL3(kExit, 0, 0, 0);
}

/* The new thread's stack; what it finds is in place before it runs. */
__attribute__((used)) static word prepare(word index) {
  const word stack = (word)call6(kMmap, 0, 1 << 16, 3, 0x22, -1, 0);
  g_pointers[index][1] = 100 + index;
  g_alive[index] = 1;
  return stack + (1 << 16) - 64;
}

/* clone(VM FS FILES SIGHAND THREAD SYSVSEM SETTLS PARENT_SETTID CHILD_CLEARTID) */
long spawn(word index);
__asm__(
    "spawn: push %r12; push %r13; push %rbx; mov %rdi, %r13\n"
    "  call prepare; mov %rax, %rbx\n"
    "  mov $0x3d0f00, %edi; mov %rbx, %rsi; lea g_numbers(, %r13, 4), %rdx\n"
    "  lea g_alive(, %r13, 4), %r10; mov %r13, %r8; shl $5, %r8; lea g_pointers(%r8), %r8\n"
    "  mov $56, %eax; syscall\n"
    "  test %rax, %rax; jnz 1f\n"
    "  xor %ebp, %ebp; mov %r13, %rdi; and $-16, %rsp; call body; hlt\n"
    "1: pop %rbx; pop %r13; pop %r12; ret\n");

static void start(word* stack) {
  (void)stack;
  __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(g_mxcsr), "m"(g_control));
  g_fresh = (char*)call6(kMmap, 0, kPieces * kPiece, 3, 0x22, -1, 0);
  for (word i = 0; i < kThreads; ++i) {
    const long number = spawn(i);
    CHECK(number > 0 && g_numbers[i] == (unsigned)number);
  }
  for (int i = 0; i < kThreads; ++i)
    while (__atomic_load_n(&g_alive[i], __ATOMIC_SEQ_CST) != 0)
      CALL3(kFutex, &g_alive[i], kWaitShared, 1);
  say_number(g_count);
  for (int i = 0; i < kPieces; ++i)
    for (word thread = 0; thread < kThreads; ++thread)
      CHECK(g_fresh[i * kPiece + thread * 4160] == (char)(thread + 1));
  const word soon[2] = {0, 20000000};
  CHECK(call6(kFutex, (long)&g_lock, kWait, 0, (long)soon, 0, 0) == -110);
  CHECK(CALL3(500, 0, 0, 0) == -38);
  CALL3(kExitGroup, g_wrong, 0, 0);
}
