/* SPDX-License-Identifier: MIT */
/* Every hash, whole and in pieces of every length. */
#include <xxhash.h>

#include "harness.h"

int main(void) {
  enum { SIZE = 20000 };
  char* text = malloc(SIZE);
  bench_text(text, SIZE);
  XXH32_state_t* short_one = XXH32_createState();
  XXH64_state_t* long_one = XXH64_createState();
  XXH3_state_t* newer = XXH3_createState();
  XXH32_reset(short_one, 1);
  XXH64_reset(long_one, 1);
  XXH3_64bits_reset(newer);
  for (size_t at = 0, step = 1; at < SIZE; at += step++) {
    size_t length = step < SIZE - at ? step : SIZE - at;
    XXH32_update(short_one, text + at, length);
    XXH64_update(long_one, text + at, length);
    XXH3_64bits_update(newer, text + at, length);
  }
  CHECK(XXH32_digest(short_one) == XXH32(text, SIZE, 1));
  CHECK(XXH64_digest(long_one) == XXH64(text, SIZE, 1));
  CHECK(XXH3_64bits_digest(newer) == XXH3_64bits(text, SIZE));
  CHECK(XXH64("", 0, 0) == 0xef46db3751d8e999); /* of its specification */
  for (size_t length = 0; length < 300; ++length)
    CHECK(XXH3_64bits(text, length) == XXH3_64bits_withSeed(text, length, 0));
  return 0;
}
