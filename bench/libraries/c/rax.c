/* SPDX-License-Identifier: MIT */
/* A radix tree: keys in, found, listed in order, and out again. */
#include "harness.h"

#include "rax.h"

enum { KEYS = 400 };

void _serverAssert(const char* what, const char* file, int line) {
  (void)file, (void)line;
  bench_failed(what);
}

static size_t key_of(uint64_t number, unsigned char* key) {
  size_t length = 0;
  uint64_t mixed = number * 0x9e3779b97f4a7c15;
  for (size_t i = 0; i < 3 + number % 5; ++i)
    key[length++] = (unsigned char)('a' + (mixed >> 4 * i) % 3);
  do key[length++] = (unsigned char)('0' + number % 10);
  while ((number /= 10) != 0);
  key[length++] = '.';
  return length;
}

int main(void) {
  rax* tree = raxNew();
  unsigned char key[64];
  for (uint64_t i = 0; i < KEYS; ++i)
    CHECK(raxInsert(tree, key, key_of(i, key), (void*)(i + 1), NULL));
  CHECK(raxSize(tree) == KEYS);
  for (uint64_t i = 0; i < KEYS; ++i) {
    void* value = NULL;
    CHECK(raxFind(tree, key, key_of(i, key), &value) && value == (void*)(i + 1));
  }
  raxIterator at;
  raxStart(&at, tree);
  raxSeek(&at, "^", NULL, 0);
  uint64_t count = 0;
  while (raxNext(&at)) ++count;
  raxStop(&at);
  CHECK(count == KEYS);
  for (uint64_t i = 0; i < KEYS; i += 2) CHECK(raxRemove(tree, key, key_of(i, key), NULL));
  CHECK(raxSize(tree) == KEYS / 2);
  raxFree(tree);
  return 0;
}
