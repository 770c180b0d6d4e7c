/* SPDX-License-Identifier: MIT
 *
 * Many threads: argv[1] short ones, one after the other and in pairs; then as many at once as there
 * can be. And, with argv[1] 0, one that needs more stack than there is; with 1, an address that
 * x86-64 does not have.
 */
#include "mtetso_guest.h"

static uint64_t shared_sum;

static __thread uint64_t own = 7;

static uint64_t brief(void* argument) {
  volatile uint64_t local[64];
  for (int i = 0; i < 64; ++i) local[i] += (uint64_t)argument;
  if (own != 7) return 0; /* what another thread has left */
  own = local[3];
  __atomic_fetch_add(&shared_sum, own, __ATOMIC_SEQ_CST);
  return own + 1;
}

static uint64_t waits(void* unused) {
  (void)unused;
  return mtetso_join(1); /* which never ends */
}

__attribute__((noinline)) static uint64_t deep(uint64_t depth) {
  volatile uint64_t frame[32];
  frame[depth % 32] = depth;
  if (depth == UINT64_MAX) return 0;
  return deep(depth + 1) + frame[depth % 32];
}

static uint64_t overflows(void* argument) { return deep((uint64_t)argument); }

int main(int argc, char** argv) {
  const uint64_t count = argument_or(argc, argv, 300);
  if (count == 0) return (int)mtetso_join(mtetso_spawn(overflows, 0));
  if (count == 1) return *(volatile uint8_t*)(UINT64_C(1) << 47);
  uint64_t expected = 0;
  for (uint64_t i = 2; i <= count; i += 2) {
    long first = mtetso_spawn(brief, (void*)i);
    long second = mtetso_spawn(brief, (void*)(i + 1));
    if (first == -1 || second == -1) return failed("spawn");
    if (mtetso_join(second) == 0 || mtetso_join(first) == 0) return failed("a thread's own data");
    if (i % 64 == 0 && mtetso_join(2) == 0) return failed("a thread that ended long ago");
    expected = 1;
  }
  if (expected == 0 || shared_sum == 0) return failed("no thread has run");
  if (argc > 2) {
    uint64_t there = 1;
    while (mtetso_spawn(waits, 0) != -1) ++there;
    print_number("at once ", there, "\n");
  }
  print("crowd\n");
  mtetso_exit(0);
}
