/* SPDX-License-Identifier: MIT */
/* A Linux program for x86-64 without a C library: system calls, text, and main's arguments. */
#pragma once

typedef unsigned long word;

static inline long call6(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#define CALL3(number, a, b, c) call6(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)

enum {
  kWrite = 1,
  kMmap = 9,
  kMprotect = 10,
  kMunmap = 11,
  kBrk = 12,
  kWritev = 20,
  kYield = 24,
  kMremap = 25,
  kMincore = 27,
  kMadvise = 28,
  kExit = 60,
  kArchPrctl = 158,
  kFutex = 202,
  kExitGroup = 231,
};

static inline word length_of(const char* text) {
  word length = 0;
  while (text[length] != 0) ++length;
  return length;
}

static inline void say(const char* text) { CALL3(kWrite, 1, text, length_of(text)); }

static inline void say_number(word value) {
  char text[24];
  int at = sizeof text;
  text[--at] = '\n';
  do text[--at] = (char)('0' + value % 10);
  while ((value /= 10) != 0);
  CALL3(kWrite, 1, text + at, sizeof text - (word)at);
}

static int g_wrong;
#define CHECK(holds)              \
  do {                            \
    if (!(holds)) {               \
      say("wrong: " #holds "\n"); \
      g_wrong = 1;                \
    }                             \
  } while (0)

/* argc, argv, environment and auxiliary vector, as the kernel leaves them on the stack. */
__attribute__((used)) static void start(word* stack);
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start\n");
