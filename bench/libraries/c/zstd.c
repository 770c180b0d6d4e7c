/* SPDX-License-Identifier: MIT */
/* Compresses and decompresses text at three levels. */
#include <zstd.h>

#include "harness.h"

int main(void) {
  enum { SIZE = 30000 };
  char* text = malloc(SIZE);
  char* again = malloc(SIZE);
  size_t bound = ZSTD_compressBound(SIZE);
  char* packed = malloc(bound);
  bench_text(text, SIZE);
  for (int level = 1; level <= 7; level += 3) {
    size_t length = ZSTD_compress(packed, bound, text, SIZE, level);
    CHECK(!ZSTD_isError(length) && length < SIZE / 2);
    CHECK(ZSTD_decompress(again, SIZE, packed, length) == SIZE && memcmp(text, again, SIZE) == 0);
  }
  return 0;
}
