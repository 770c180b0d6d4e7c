/* SPDX-License-Identifier: MIT */
/* Two allocators over memory from the host: one that only goes up, and one with a free list that
 * splits and joins its pieces. Every block is filled, and read again before it is given back. */
#include "mtetso_guest.h"

enum { ARENA = 1 << 13, BLOCKS = 24, ROUNDS = 160, SMALLEST = 32 };

static uint64_t seed = 4711;

static uint32_t random32(void) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(seed >> 33);
}

static struct {
  uint8_t* at;
  size_t left;
} bump;

static void* bump_allocate(size_t size) {
  size = (size + 7) & ~(size_t)7;
  if (size > bump.left) return NULL;
  void* made = bump.at;
  bump.at += size;
  bump.left -= size;
  return made;
}

/* In front of each piece; pieces lie side by side, the free ones are in a list by address. */
struct piece {
  size_t size; /* with this head */
  struct piece* next;
};

static struct piece* free_list;

static void* list_allocate(size_t size) {
  size = (size + sizeof(struct piece) + 15) & ~(size_t)15;
  for (struct piece** at = &free_list; *at != NULL; at = &(*at)->next) {
    struct piece* piece = *at;
    if (piece->size < size) continue;
    if (piece->size >= size + SMALLEST) {
      struct piece* rest = (struct piece*)((uint8_t*)piece + size);
      rest->size = piece->size - size;
      rest->next = piece->next;
      piece->size = size;
      *at = rest;
    } else {
      *at = piece->next;
    }
    return piece + 1;
  }
  return NULL;
}

static void join(struct piece* low) {
  struct piece* high = low->next;
  if (high == NULL || (uint8_t*)low + low->size != (uint8_t*)high) return;
  low->size += high->size;
  low->next = high->next;
}

static void list_free(void* block) {
  struct piece *piece = (struct piece*)block - 1, *before = NULL;
  for (struct piece* at = free_list; at != NULL && at < piece; at = at->next) before = at;
  struct piece** link = before == NULL ? &free_list : &before->next;
  piece->next = *link;
  *link = piece;
  join(piece);
  if (before != NULL) join(before);
}

static void fill(uint8_t* block, size_t size, uint8_t with) {
  for (size_t i = 0; i < size; ++i) block[i] = (uint8_t)(with + i);
}

static int is_filled(const uint8_t* block, size_t size, uint8_t with) {
  for (size_t i = 0; i < size; ++i)
    if (block[i] != (uint8_t)(with + i)) return 0;
  return 1;
}

static int free_lists(void) {
  static struct {
    uint8_t* block;
    size_t size;
  } live[BLOCKS];
  free_list = mtetso_allocate(ARENA);
  free_list->size = ARENA;
  free_list->next = NULL;
  uint64_t made = 0, refused = 0;
  for (int round = 0; round < ROUNDS; ++round) {
    unsigned i = random32() % BLOCKS;
    if (live[i].block != NULL) {
      if (!is_filled(live[i].block, live[i].size, (uint8_t)i)) return failed("free list");
      list_free(live[i].block);
      live[i].block = NULL;
      continue;
    }
    live[i].size = 1 + random32() % 1500;
    live[i].block = list_allocate(live[i].size);
    if (live[i].block == NULL) {
      ++refused;
      continue;
    }
    fill(live[i].block, live[i].size, (uint8_t)i);
    ++made;
  }
  for (unsigned i = 0; i < BLOCKS; ++i)
    if (live[i].block != NULL) list_free(live[i].block);
  if (free_list->size != ARENA || free_list->next != NULL) return failed("not joined again");
  print_number("free list ", made, "");
  print_number(" refused ", refused, "\n");
  return 0;
}

int main(void) {
  bump.at = mtetso_allocate(ARENA);
  bump.left = ARENA;
  uint64_t count = 0;
  uint8_t* blocks[BLOCKS];
  size_t sizes[BLOCKS];
  while (count < BLOCKS) {
    sizes[count] = 1 + random32() % 300;
    blocks[count] = bump_allocate(sizes[count]);
    if (blocks[count] == NULL) break;
    fill(blocks[count], sizes[count], (uint8_t)count);
    ++count;
  }
  for (uint64_t i = 0; i < count; ++i)
    if (!is_filled(blocks[i], sizes[i], (uint8_t)i)) return failed("bump");
  print_number("bump ", count, "");
  print_number(" left ", bump.left, "\n");
  return free_lists();
}
