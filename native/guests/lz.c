/* SPDX-License-Identifier: MIT */
/* An LZ77 compressor with a hash of the last places, and its inverse: what comes back must be what
 * went in. Matches are copied a byte at a time, because they may overlap themselves. */
#include "mtetso_guest.h"

enum { SIZE = 1200, ROOM = 2 * SIZE, HASH = 1 << 10, SHORTEST = 4, LONGEST = 255 };

static uint64_t seed = 99;

static uint32_t random32(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (uint32_t)(seed >> 32);
}

static uint32_t word_at(const uint8_t* at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* A token: 0, length, distance in two bytes; or count (1 to 255) and so many bytes as they are. */
static size_t flush(uint8_t* out, size_t used, const uint8_t* from, size_t count) {
  while (count > 0) {
    size_t part = count < 255 ? count : 255;
    out[used++] = (uint8_t)part;
    for (size_t i = 0; i < part; ++i) out[used++] = *from++;
    count -= part;
  }
  return used;
}

static size_t compress(uint8_t* out, const uint8_t* in, size_t size) {
  static uint16_t last[HASH];
  for (int i = 0; i < HASH; ++i) last[i] = 0xffff;
  size_t used = 0, literal = 0, at = 0;
  while (at + SHORTEST <= size) {
    uint32_t slot = (word_at(in + at) * 2654435761u) >> 22;
    size_t before = last[slot], length = 0;
    last[slot] = (uint16_t)at;
    if (before != 0xffff)
      while (length < LONGEST && at + length < size && in[before + length] == in[at + length])
        ++length;
    if (length < SHORTEST) {
      ++at;
      continue;
    }
    used = flush(out, used, in + literal, at - literal);
    size_t distance = at - before;
    out[used++] = 0;
    out[used++] = (uint8_t)length;
    out[used++] = (uint8_t)distance;
    out[used++] = (uint8_t)(distance >> 8);
    at += length;
    literal = at;
  }
  return flush(out, used, in + literal, size - literal);
}

static size_t expand(uint8_t* out, const uint8_t* in, size_t size) {
  size_t made = 0;
  for (size_t at = 0; at < size;) {
    uint8_t count = in[at++];
    if (count != 0) {
      for (uint8_t i = 0; i < count; ++i) out[made++] = in[at++];
      continue;
    }
    size_t length = in[at], distance = in[at + 1] | (size_t)in[at + 2] << 8;
    at += 3;
    for (size_t i = 0; i < length; ++i, ++made) out[made] = out[made - distance];
  }
  return made;
}

int main(void) {
  uint8_t *plain = mtetso_allocate(SIZE), *packed = mtetso_allocate(ROOM);
  static uint8_t again[ROOM];
  for (int kind = 0; kind < 4; ++kind) {
    static const char* const words[4] = {"tag ", "granule ", "core ", "memory "};
    size_t size = 0;
    while (size + 8 < SIZE - (size_t)kind * 77) {
      if (kind == 3) {
        plain[size++] = (uint8_t)random32();
        continue;
      }
      for (const char* c = words[random32() & 3]; *c != 0; ++c) plain[size++] = (uint8_t)*c;
      if (kind == 1 && random32() % 5 == 0) plain[size++] = (uint8_t)random32();
    }
    size_t used = compress(packed, plain, size);
    if (used > ROOM || expand(again, packed, used) != size) return failed("size");
    for (size_t i = 0; i < size; ++i)
      if (again[i] != plain[i]) return failed("contents");
    print_number("lz ", size, "");
    print_number(" -> ", used, "\n");
  }
  return 0;
}
