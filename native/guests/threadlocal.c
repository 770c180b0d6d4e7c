/* SPDX-License-Identifier: MIT */
/* Thread-local storage: initialised, zero, aligned; each thread has its own. */
#include "mtetso_guest.h"

enum { THREADS = 3 };

static __thread uint64_t first = 77;
static __thread uint8_t bytes[5] = {1, 2, 3, 4, 5};
static __thread uint64_t zeros[4];
static __thread struct { uint64_t one, two; } aligned __attribute__((aligned(64))) = {8, 9};

__attribute__((noinline)) static int is_fresh(void) {
  return first == 77 && bytes[4] == 5 && zeros[3] == 0 && aligned.two == 9 &&
         ((uintptr_t)&aligned & 63) == 0;
}

static uint64_t body(void* argument) {
  uint64_t mine = (uint64_t)argument;
  if (!is_fresh()) return 0;
  for (uint64_t i = 0; i < 20; ++i) {
    first += mine;
    bytes[i % 5] = (uint8_t)(bytes[i % 5] * 3 + mine);
    zeros[i % 4] ^= first;
    aligned.one -= i;
    mtetso_yield();
  }
  return first * 1000 + bytes[2] + (zeros[1] ^ aligned.one);
}

int main(void) {
  long threads[THREADS];
  if (!is_fresh()) return failed("fresh");
  first = 1;
  for (uint64_t i = 0; i < THREADS; ++i) threads[i] = mtetso_spawn(body, (void*)(i + 2));
  for (int i = 0; i < THREADS; ++i) print_number("thread ", mtetso_join(threads[i]), "\n");
  if (first != 1 || zeros[0] != 0) return failed("somebody else's");
  return 0;
}
