/* SPDX-License-Identifier: MIT */
/* Compresses and decompresses text. */
#include <bzlib.h>

#include "harness.h"

void bz_internal_error(int number) {
  (void)number;
  bench_failed("bz_internal_error");
}

int main(void) {
  enum { SIZE = 20000 };
  char* text = malloc(SIZE);
  char* again = malloc(SIZE);
  char* packed = malloc(SIZE);
  bench_text(text, SIZE);
  for (int level = 1; level <= 2; ++level) {
    unsigned length = SIZE, back = SIZE;
    CHECK(BZ2_bzBuffToBuffCompress(packed, &length, text, SIZE, level, 0, 0) == BZ_OK);
    CHECK(BZ2_bzBuffToBuffDecompress(again, &back, packed, length, level == 2, 0) == BZ_OK);
    CHECK(back == SIZE && memcmp(text, again, SIZE) == 0);
  }
  return 0;
}
