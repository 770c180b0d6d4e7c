/* What the programs share: tagged memory, and facts for the test on standard output, as lines
 * `NAME VALUE…` with hexadecimal values. The tags are read back by LDG: the program says what the
 * hardware has, not what it meant to write. */
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MTE_PAGE 4096
#define MTE_GRANULE 16
#define MTE_PROT 0x20
/* Tags 1 to 15 for IRG; none of the programs uses it, but a debugger shows the mask. */
#define MTE_INCLUDE (0xfffeul << PR_MTE_TAG_SHIFT)

static inline void mte_enable(unsigned long check_modes) {
  if (prctl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE | check_modes | MTE_INCLUDE, 0, 0, 0)) {
    perror("PR_SET_TAGGED_ADDR_CTRL");
    exit(1);
  }
}

static inline char* mte_map(size_t size) {
  void* memory =
      mmap(NULL, size, PROT_READ | PROT_WRITE | MTE_PROT, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("mmap");
    exit(1);
  }
  return memory;
}

static inline char* mte_with_tag(char* address, unsigned tag) {
  return (char*)(((uintptr_t)address & ~(15ul << 56)) | (uintptr_t)tag << 56);
}

static inline void mte_set(char* address, unsigned tag) {
  __asm__ volatile("stg %0, [%0]" ::"r"(mte_with_tag(address, tag)) : "memory");
}

static inline unsigned mte_get(char* address) {
  __asm__ volatile("ldg %0, [%0]" : "+r"(address));
  return (unsigned)((uintptr_t)address >> 56) & 15;
}

static inline void mte_say(const char* name, uintptr_t value) {
  printf("%s %lx\n", name, (unsigned long)value);
  fflush(stdout);
}

/* The tags of `count` granules from `start`, one hexadecimal value each. */
static inline void mte_say_tags(const char* name, char* start, size_t count) {
  printf("%s", name);
  for (size_t i = 0; i < count; ++i) printf(" %x", mte_get(start + i * MTE_GRANULE));
  printf("\n");
  fflush(stdout);
}

/* A load whose instruction and address the test knows. */
static inline uint64_t mte_load8(char* address) {
  uint64_t value;
  __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
