// SPDX-License-Identifier: MIT
//
// For programs that are nothing but system calls: no C library, no vector registers. The same
// program runs natively on x86-64 and in the runtime; its output must be the same.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/unistd_64.h>

typedef long word;

static inline word call6(word n, word a, word b, word c, word d, word e, word f) {
  register word r10 __asm__("r10") = d;
  register word r8 __asm__("r8") = e;
  register word r9 __asm__("r9") = f;
  word result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

#define CALL_(n, a, b, c, d, e, f, ...) \
  call6((n), (word)(a), (word)(b), (word)(c), (word)(d), (word)(e), (word)(f))
#define CALL(name, ...) CALL_(__NR_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

void* memset(void* to, int value, size_t size) {
  for (size_t i = 0; i < size; ++i) ((volatile char*)to)[i] = (char)value;
  return to;
}

void* memcpy(void* to, const void* from, size_t size) {
  for (size_t i = 0; i < size; ++i) ((volatile char*)to)[i] = ((const char*)from)[i];
  return to;
}

static inline size_t length(const char* text) {
  size_t n = 0;
  while (text[n] != 0) ++n;
  return n;
}

// One line: "what value".
static inline void show(const char* what, word value) {
  char line[160];
  size_t at = 0;
  for (const char* c = what; *c != 0 && at < 120; ++c) line[at++] = *c;
  line[at++] = ' ';
  if (value < 0) line[at++] = '-', value = -value;
  char digits[24];
  size_t n = 0;
  do digits[n++] = (char)('0' + value % 10), value /= 10;
  while (value != 0);
  while (n != 0) line[at++] = digits[--n];
  line[at++] = '\n';
  CALL(write, 1, line, at);
}

static inline void say(const char* text) {
  CALL(write, 1, text, length(text));
  CALL(write, 1, "\n", 1);
}

__attribute__((noreturn)) static inline void leave(int status) {
  for (;;) CALL(exit_group, status);
}

int run(int argc, char** argv, char** envp);

__attribute__((noreturn, used)) void begin(word* stack) {
  const int argc = (int)stack[0];
  char** argv = (char**)(stack + 1);
  leave(run(argc, argv, argv + argc + 1));
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");

// Signals, as the kernel has them.
struct raw_action {
  void* handler;
  unsigned long flags;
  void (*restorer)(void);
  unsigned long mask;
};
void restore(void);
__asm__("restore: mov $15, %eax\n syscall\n");

enum {
  RESTORER = 0x04000000,
  SIGINFO = 4,
  ONSTACK = 0x08000000,
  RESTART = 0x10000000,
  NODEFER = 0x40000000,
  RESETHAND = (int)0x80000000
};

static inline word handle(int signal, void* handler, unsigned flags, unsigned long mask) {
  const struct raw_action action = {handler, (unsigned long)flags | RESTORER, restore, mask};
  return CALL(rt_sigaction, signal, &action, 0, 8);
}
