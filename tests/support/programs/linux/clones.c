/* SPDX-License-Identifier: MIT */
/* A thread of plain clone, as musl and Go make them, on a stack that its maker has written to. */
#include "raw.h"

enum { kRounds = 7777, kSize = 1 << 16, kControl = 256, kWaitShared = 0 };

unsigned g_alive = 1;

__attribute__((used)) static void work(void) {
  volatile word own[64];
  for (word i = 0; i < kRounds; ++i) own[i % 64] = i;
  CHECK(own[kRounds % 64 - 1] == kRounds - 1);
  CALL3(kExit, 0, 0, 0);
}

/* clone(VM FS FILES SIGHAND THREAD SYSVSEM CHILD_CLEARTID) */
long spawn(void* stack);
__asm__(
    "spawn: mov %rdi, %rsi; mov $0x250f00, %edi; xor %edx, %edx; lea g_alive, %r10\n"
    "  xor %r8d, %r8d; mov $56, %eax; syscall\n"
    "  test %rax, %rax; jnz 1f\n"
    "  call work\n"
    "1: ret\n");

static void start(word* stack) {
  (void)stack;
  const word low = (word)call6(kMmap, 0, kSize, 3, 0x22, -1, 0);
  volatile word* const control = (word*)(low + kSize - kControl);
  for (int i = 0; i < kControl / 8; ++i) control[i] = low;
  CHECK(spawn((void*)control) > 0);
  while (__atomic_load_n(&g_alive, __ATOMIC_SEQ_CST) != 0) CALL3(kFutex, &g_alive, kWaitShared, 1);
  CALL3(kExitGroup, g_wrong, 0, 0);
}
