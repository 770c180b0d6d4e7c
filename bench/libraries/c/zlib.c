/* SPDX-License-Identifier: MIT */
/* Deflates and inflates text at three levels, and checks sums. */
#include <zlib.h>

#include "harness.h"

int main(void) {
  enum { SIZE = 40000 };
  char* text = malloc(SIZE);
  char* again = malloc(SIZE);
  uLongf bound = compressBound(SIZE);
  Bytef* packed = malloc(bound);
  bench_text(text, SIZE);
  for (int level = 1; level <= 9; level += 4) {
    uLongf length = bound, back = SIZE;
    CHECK(compress2(packed, &length, (Bytef*)text, SIZE, level) == Z_OK && length < SIZE / 2);
    CHECK(uncompress((Bytef*)again, &back, packed, length) == Z_OK && back == SIZE);
    CHECK(memcmp(text, again, SIZE) == 0);
    CHECK(crc32(0, (Bytef*)text, SIZE) == crc32(0, (Bytef*)again, SIZE));
    CHECK(adler32(1, (Bytef*)text, SIZE) == adler32(1, (Bytef*)again, SIZE));
  }
  return 0;
}
