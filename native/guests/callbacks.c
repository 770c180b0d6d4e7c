/* SPDX-License-Identifier: MIT
 *
 * Guest functions that the host calls: given by address, by the address of an import, from within
 * each other, from two threads, and while better code of them is made.
 */
#include "mtetso_guest.h"

enum { COUNT = 200, ROUNDS = 40 };

static uint64_t calls;

static int less(uint64_t a, uint64_t b) {
  ++calls;
  return a < b;
}

static int greater(uint64_t a, uint64_t b) { return a > b; }

static uint64_t add(uint64_t a, uint64_t b) { return a + b; }

/* Calls back from inside a callback. */
static uint64_t nested(uint64_t depth, uint64_t sum) {
  return depth == 0 ? sum : mtetso_call(nested, depth - 1, sum + depth) + 1;
}

static uint64_t seed = 12345;

static uint64_t random_number(void) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return seed >> 33;
}

static uint64_t sorts(void* argument) {
  uint64_t* values = mtetso_allocate(COUNT * sizeof *values);
  uint64_t wrong = values == NULL;
  for (int round = 0; round < ROUNDS / 10 && !wrong; ++round) {
    for (uint64_t i = 0; i < COUNT; ++i) values[i] = (i * 7919 + (uint64_t)argument) % COUNT;
    wrong += mtetso_sort(values, COUNT, greater) != 0;
    for (uint64_t i = 1; i < COUNT; ++i) wrong += values[i] > values[i - 1];
  }
  return wrong;
}

int main(void) {
  uint64_t* values = mtetso_allocate(COUNT * sizeof *values);
  if (values == NULL) return failed("no memory");
  long other = mtetso_spawn(sorts, (void*)17);
  for (int round = 0; round < ROUNDS; ++round) {
    for (int i = 0; i < COUNT; ++i) values[i] = random_number();
    if (mtetso_sort(values, COUNT, less) != 0) return failed("sort refused");
    for (int i = 1; i < COUNT; ++i)
      if (values[i] < values[i - 1]) return failed("not sorted");
    if (mtetso_call(add, (uint64_t)round, 5) != (uint64_t)round + 5) return failed("add");
  }
  if (calls < COUNT) return failed("nobody called less");
  if (mtetso_call(nested, 12, 0) != 12 * 13 / 2 + 12) return failed("nested");
  /* An import, exported because its address is handed to the host. */
  char text[] = "said by the host\n";
  uint64_t (*write)(uint64_t, uint64_t) = (uint64_t(*)(uint64_t, uint64_t))(void*)mtetso_write;
  uint64_t said = mtetso_call(write, (uint64_t)text, sizeof text - 1);
  if (said != sizeof text - 1) return failed("an import as a callback");
  if (mtetso_join(other) != 0) return failed("the other thread");
  print("callbacks done\n");
  return 0;
}
