/* SPDX-License-Identifier: MIT */
/* Blocks of every size, made, grown, checked and freed in no order. */
#include "harness.h"

enum { SLOTS = 200, ROUNDS = 3000 };

static struct {
  unsigned char* at;
  size_t size;
} slots[SLOTS];

static void check(size_t i) {
  for (size_t j = 0; j < slots[i].size; j += 7) CHECK(slots[i].at[j] == (unsigned char)i);
}

int main(void) {
  for (int round = 0; round < ROUNDS; ++round) {
    size_t i = bench_random() % SLOTS, size = 1 + bench_random() % (round % 50 == 0 ? 9000 : 300);
    check(i);
    if (bench_random() % 3 == 0) {
      free(slots[i].at);
      slots[i].at = NULL;
      slots[i].size = 0;
      continue;
    }
    slots[i].at = realloc(slots[i].at, size);
    CHECK(slots[i].at != NULL);
    slots[i].size = size;
    memset(slots[i].at, (int)i, size);
  }
  for (size_t i = 0; i < SLOTS; ++i) check(i), free(slots[i].at);
  return 0;
}
