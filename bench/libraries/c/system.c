/* SPDX-License-Identifier: MIT */
/* What musl would ask the kernel for, by the runtime's host functions: memory for malloc (dlmalloc,
 * which asks for it in order), and an end. Nothing else of a C library is needed: the rest is
 * musl's own source. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "../../../native/guests/mtetso_guest.h"
#include "harness.h"

enum { ARENA = 24 << 20 };

static char* arena;
static size_t used;
static int error_number;

int* __errno_location(void) { return &error_number; }

/* dlmalloc's MORECORE: as sbrk, but that nothing is given back. */
void* bench_more(intptr_t bytes) {
  if (arena == NULL) arena = mtetso_allocate(ARENA);
  if (arena == NULL || bytes < 0 || (size_t)bytes > ARENA - used) return (void*)-1;
  used += (size_t)bytes;
  return arena + used - bytes;
}

time_t time(time_t* out) {
  if (out != NULL) *out = 1;
  return 1;
}

_Noreturn void bench_failed(const char* why) {
  failed(why);
  mtetso_exit(1);
}

_Noreturn void abort(void) { bench_failed("abort"); }
_Noreturn void exit(int status) { mtetso_exit(status); }
_Noreturn void __assert_fail(const char* what, const char* file, int line, const char* function) {
  (void)file, (void)line, (void)function;
  bench_failed(what);
}
char* getenv(const char* name) {
  (void)name;
  return NULL;
}

uint64_t bench_random(void) {
  static uint64_t state = 88172645463325252;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 2685821657736338717;
}

void bench_text(char* out, size_t size) {
  static const char* const kWords[] = {"memory", "tag",   "granule", "of",    "the",   "and",
                                       "shared", "local", "order",   "store", "load",  "a",
                                       "core",   "owner", "fault",   "patch", "which", "by"};
  size_t at = 0;
  while (at < size) {
    const char* word = kWords[bench_random() % (sizeof kWords / sizeof *kWords)];
    while (*word != '\0' && at < size) out[at++] = *word++;
    if (at < size) out[at++] = bench_random() % 9 == 0 ? '\n' : ' ';
  }
}
