/* SPDX-License-Identifier: MIT */
/* What the programs share: input that is the same in every run, and how they end. */
#ifndef MTEDBG_BENCH_HARNESS_H
#define MTEDBG_BENCH_HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The next pseudo-random number (xorshift64*). */
uint64_t bench_random(void);
/* Fills `size` bytes with words of a small vocabulary: text that compresses as text does. */
void bench_text(char* out, size_t size);
/* Ends the program: the runtime's user sees the status and why. */
_Noreturn void bench_failed(const char* why);

#define CHECK(condition)                        \
  do {                                          \
    if (!(condition)) bench_failed(#condition); \
  } while (0)

#endif
