/* SPDX-License-Identifier: MIT */
/* Compresses and decompresses text. */
#include "harness.h"
#include "minilzo.h"

int main(void) {
  enum { SIZE = 60000 };
  unsigned char* text = malloc(SIZE);
  unsigned char* again = malloc(SIZE);
  unsigned char* packed = malloc(SIZE + SIZE / 16 + 67);
  void* work = malloc(LZO1X_1_MEM_COMPRESS);
  lzo_uint length = 0, back = SIZE;
  bench_text((char*)text, SIZE);
  CHECK(lzo_init() == LZO_E_OK);
  CHECK(lzo1x_1_compress(text, SIZE, packed, &length, work) == LZO_E_OK && length < SIZE);
  CHECK(lzo1x_decompress_safe(packed, length, again, &back, NULL) == LZO_E_OK && back == SIZE);
  CHECK(memcmp(text, again, SIZE) == 0);
  return 0;
}
