/* SPDX-License-Identifier: MIT */
/* Compresses and decompresses text, fast and well. */
#include <lz4.h>
#include <lz4hc.h>

#include "harness.h"

int main(void) {
  enum { SIZE = 60000 };
  char* text = malloc(SIZE);
  char* again = malloc(SIZE);
  int bound = LZ4_compressBound(SIZE);
  char* packed = malloc((size_t)bound);
  bench_text(text, SIZE);
  for (int level = 0; level <= 9; level += 3) {
    int length = level == 0 ? LZ4_compress_default(text, packed, SIZE, bound)
                            : LZ4_compress_HC(text, packed, SIZE, bound, level);
    CHECK(length > 0 && length < SIZE);
    CHECK(LZ4_decompress_safe(packed, again, length, SIZE) == SIZE);
    CHECK(memcmp(text, again, SIZE) == 0);
  }
  return 0;
}
