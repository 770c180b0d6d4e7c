/* SPDX-License-Identifier: MIT */
/* Faults of the guest's own: 1 a load from nowhere, 2 a store to its own code, 3 a wild call,
 * 4 a division by zero, 5 threads that wait for each other, 6 a wild return, 7 ud2, 8 to 11
 * quotients that do not fit, 12 a pair that is not aligned, 13 a vector that is not, 14 bits that
 * MXCSR does not have. */
#include "mtetso_guest.h"

static volatile uint64_t zero;
static volatile long ids[2];
static uint64_t four[4] __attribute__((aligned(32)));

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
    case 7:
      __asm__ volatile("ud2");
      break;
    case 8:
      __asm__ volatile("divq %0" ::"r"(UINT64_C(5)), "a"(zero), "d"(UINT64_C(5)));
      break;
    case 9:
      __asm__ volatile("idivq %0" ::"r"(INT64_C(-1)), "a"(INT64_MIN), "d"(INT64_C(-1)));
      break;
    case 10:
      __asm__ volatile("idivl %0" ::"r"(-1), "a"(INT32_MIN), "d"(-1));
      break;
    case 11:
      __asm__ volatile("divb %0" ::"r"((uint8_t)2), "a"(0x1000));
      break;
    case 12:
      __asm__ volatile("lock cmpxchg16b %0"
                       : "+m"(*(char(*)[16])(four + 1))::"rax", "rdx", "rbx", "rcx");
      break;
    case 13:
      __asm__ volatile("movaps %0, %%xmm0" ::"m"(*(char(*)[16])(four + 1)));
      break;
    case 14:
      four[0] = 0x11f80;
      __asm__ volatile("ldmxcsr %0" : : "m"(four[0]));
      break;
    default:
      print("nothing\n");
      return 0;
  }
  return failed("went through");
}
