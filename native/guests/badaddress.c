/* SPDX-License-Identifier: MIT */
/* Faults of the guest's own: 1 a load from nowhere, 2 a store to its own code, 3 a wild call,
 * 4 a division by zero, 5 threads that wait for each other, 6 a wild return. */
#include "mtetso_guest.h"

static volatile uint64_t zero;
static volatile long ids[2];

static uint64_t waits(void* argument) {
  long other;
  while ((other = ids[(uint64_t)argument]) == 0) mtetso_yield();
  return mtetso_join(other);
}

static void deadlock(void) {
  ids[0] = mtetso_spawn(waits, (void*)1);
  ids[1] = mtetso_spawn(waits, (void*)0);
  mtetso_join(ids[0]);
}

int main(int argc, char** argv) {
  switch (argument_or(argc, argv, 0)) {
    case 1:
      return (int)*(volatile uint64_t*)(0x7000dead0000 + zero);
    case 2:
      *(volatile uint64_t*)(uintptr_t)main = 6;
      break;
    case 3:
      ((void (*)(void))(0x7000dead0000 + zero))();
      break;
    case 4:
      return (int)(5 / zero);
    case 5:
      deadlock();
      break;
    case 6:
      __asm__ volatile("pushq $0x1234\n\tret");
      break;
    default:
      print("nothing\n");
      return 0;
  }
  return failed("went through");
}
