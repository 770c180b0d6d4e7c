/* SPDX-License-Identifier: MIT */
/* Copies between memory that is local to a core and memory that all share, in both directions and
 * over both: by bytes, words and string instructions, at every distance from a granule and a page.
 * A second thread has made one of the buffers, so that its memory is another core's. */
#include "mtetso_guest.h"

enum { SIZE = 8192, PAGE = 4096 };

static uint8_t common[SIZE] __attribute__((aligned(PAGE)));
static uint8_t* others;

static uint64_t makes(void* argument) {
  uint8_t* made = mtetso_allocate(SIZE);
  (void)argument;
  for (size_t i = 0; i < SIZE; ++i) made[i] = (uint8_t)(i * 7);
  others = made;
  return 0;
}

static void by_bytes(uint8_t* to, const uint8_t* from, size_t size) {
  for (size_t i = 0; i < size; ++i) to[i] = from[i];
}

typedef uint64_t __attribute__((aligned(1), may_alias)) word;

static void by_words(uint8_t* to, const uint8_t* from, size_t size) {
  for (; size >= 8; size -= 8, to += 8, from += 8) *(word*)to = *(const word*)from;
  by_bytes(to, from, size);
}

static void by_string(uint8_t* to, const uint8_t* from, size_t size) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");
}

static void backwards(uint8_t* to, const uint8_t* from, size_t size) {
  to += size - 1, from += size - 1;
  __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(to), "+S"(from), "+c"(size)::"memory");
}

static uint64_t sum(const uint8_t* at, size_t size) {
  uint64_t total = 0;
  for (size_t i = 0; i < size; ++i) total = total * 31 + at[i];
  return total;
}

static int all_ways(uint8_t* to, const uint8_t* from) {
  static void (*const ways[4])(uint8_t*, const uint8_t*, size_t) = {by_bytes, by_words, by_string,
                                                                    backwards};
  for (size_t way = 0; way < 4; ++way)
    for (size_t at = 0; at < 24; at += 1 + way) {
      size_t size = 40 + 3 * at, begin = PAGE - 16 + at, source = PAGE - 20 + (at * 5) % 17;
      ways[way](to + begin, from + source, size);
      if (sum(to + begin, size) != sum(from + source, size)) return 0;
    }
  return 1;
}

int main(void) {
  mtetso_join(mtetso_spawn(makes, NULL));
  uint8_t* mine = mtetso_allocate(SIZE);
  for (size_t i = 0; i < SIZE; ++i) mine[i] = (uint8_t)(i ^ i >> 5), common[i] = (uint8_t)(3 * i);
  uint8_t* places[3] = {mine, others, common};
  for (int to = 0; to < 3; ++to)
    for (int from = 0; from < 3; ++from)
      if (to != from && !all_ways(places[to], places[from])) return failed("copy");
  for (int i = 0; i < 3; ++i) print_number("mover ", sum(places[i], SIZE), "\n");
  return 0;
}
