// SPDX-License-Identifier: MIT
//
// Flags of RFLAGS that do nothing here but stay as they are set: ID and AC, in the program and
// around a signal's handler. They are pushed and popped between no accesses that are not aligned.
#include "raw.h"

#define ID (1L << 21)
#define AC (1L << 18)
#define STARTS 0x04000000  // SA_RESTORER
#define USR1 10

static word flags(void) {
  word value;
  __asm__ volatile("pushfq\n pop %0" : "=r"(value));
  return value & (ID | AC);
}

static void set(word value) {
  __asm__ volatile("push %0\n popfq" : : "r"(value | 0x202) : "cc", "memory");
}

static void set_short(void) { __asm__ volatile("pushw $0x202\n popfw" : : : "cc", "memory"); }

static volatile word inside;

static void handler(int signal) {
  (void)signal;
  inside = flags();
  set(ID);
}

void back(void);
__asm__(".globl back\nback: mov $15, %eax\n syscall\n");

int run(int argc, char** argv, char** envp) {
  (void)argc, (void)argv, (void)envp;
  show("at first", flags());
  set(ID);
  const word identified = flags();
  set_short();
  const word after_short = flags();
  set(AC);
  const word checked = flags();
  set(ID | AC);
  const word both = flags();
  set(0);
  show("ID", identified);
  show("ID, then 16 bits", after_short);
  show("AC", checked);
  show("both", both);
  show("none", flags());
  struct {
    void (*handler)(int);
    word flags;
    void (*restorer)(void);
    word mask;
  } action = {handler, STARTS, back, 0};
  CALL(rt_sigaction, USR1, &action, 0, 8);
  const word self = CALL(getpid);
  set(AC);
  CALL(kill, self, USR1);
  const word after = flags();
  set(0);
  show("in the handler", inside);
  show("after it", after);
  return 0;
}
