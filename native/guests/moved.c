/* SPDX-License-Identifier: MIT */
/* The first and the third thread are on one core. When somebody outside has said so, by a byte on
 * standard input, the third one, which calls nothing until then, goes round for a while longer.
 * Prints "ready" before. */
#include "mtetso_guest.h"

enum { LONGER = 100000 };

static volatile uint64_t rounds, stop;

static uint64_t nothing(void* argument) { return (uint64_t)argument; }

__attribute__((noinline)) static uint64_t go_round(void* argument) {
  (void)argument;
  volatile uint64_t own = 0; /* on the thread's stack */
  while (!stop) rounds = ++own;
  return own;
}

int main(void) {
  mtetso_join(mtetso_spawn(nothing, NULL));
  long third = mtetso_spawn(go_round, NULL);
  char byte;
  while (rounds == 0) mtetso_yield();
  print("ready\n");
  if (mtetso_read(&byte, 1) != 1) return failed("nobody outside");
  for (uint64_t begin = rounds; rounds < begin + LONGER;) mtetso_yield();
  stop = 1;
  return mtetso_join(third) < LONGER ? failed("too few rounds") : 0;
}
