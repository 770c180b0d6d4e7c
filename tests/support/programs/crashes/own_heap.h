/* A heap of the program's own, as a garbage collector or an arena has it: tagged pages, cells of
 * one size each, tags drawn at random, and no header anywhere. */
#pragma once
#include "crash.h"

enum { heap_size = 1 << 20, cell_kinds = 4 };
static const size_t cell_sizes[cell_kinds] = {48, 320, 5008, 16384};
static char* heap_pages[cell_kinds];
static size_t heap_used[cell_kinds];
static void* heap_free[cell_kinds];

static char* heap_retag(char* cell, size_t size) {
  char* tagged;
  __asm__ volatile("ldg %0, [%0]\n" : "+r"(cell));
  __asm__ volatile("gmi x9, %1, xzr\n orr x9, x9, #1\n irg %0, %1, x9"
                   : "=r"(tagged)
                   : "r"(cell)
                   : "x9");
  for (size_t at = 0; at < size; at += 16)
    __asm__ volatile("stg %0, [%0]" ::"r"(tagged + at) : "memory");
  return tagged;
}

static int heap_kind(size_t size) {
  for (int kind = 0; kind < cell_kinds; ++kind)
    if (size <= cell_sizes[kind]) return kind;
  abort();
}

static void* heap_get(size_t size) {
  int kind = heap_kind(size);
  size_t cell = cell_sizes[kind];
  if (!heap_pages[kind]) {
    if (prctl(PR_SET_TAGGED_ADDR_CTRL,
              PR_TAGGED_ADDR_ENABLE | PR_MTE_TCF_SYNC | (0xfffeul << PR_MTE_TAG_SHIFT), 0, 0, 0))
      abort();
    heap_pages[kind] = (char*)mmap(NULL, heap_size, PROT_READ | PROT_WRITE | 0x20,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  char* found = (char*)heap_free[kind];
  if (found)
    memcpy(&heap_free[kind], found, sizeof(void*));
  else
    found = heap_pages[kind] + cell * heap_used[kind]++;
  return heap_retag(found, cell);
}

/* A free cell is retagged, and begins with the next free one. */
static void heap_give(void* pointer) {
  uintptr_t page = (uintptr_t)pointer & ((1ul << 56) - 1);
  for (int kind = 0; kind < cell_kinds; ++kind)
    if (heap_pages[kind] && page - (uintptr_t)heap_pages[kind] < heap_size) {
      (void)*(volatile char*)pointer;
      char* cell = heap_retag((char*)page, cell_sizes[kind]);
      memcpy(cell, &heap_free[kind], sizeof(void*));
      heap_free[kind] = cell;
      return;
    }
  fprintf(stderr, "heap_give: not of this heap\n");
  abort();
}
