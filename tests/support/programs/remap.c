/* For conditions of breakpoints: a page that is mapped anew, and given PROT_MTE later, among many
 * other mappings that come and go. `visit` gets a pointer to it and its tag, -1 where there is
 * none; from one call to the next /proc/PID/maps has the same line for the page. */
#include "mte.h"

enum { others = 64 };

__attribute__((noinline)) void visit(char* pointer, long tag) {
  __asm__ volatile("" ::"r"(pointer), "r"(tag));
}

static char* map_at(char* place, int access) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | (place ? MAP_FIXED : 0);
  char* memory = mmap(place, MTE_PAGE, access, flags, -1, 0);
  if (memory == MAP_FAILED) exit(1);
  return memory;
}

int main(void) {
  mte_enable(PR_MTE_TCF_SYNC);
  char* made[others];
  /* Pages that cannot be merged, with the one that matters in the middle: room for it. */
  for (int i = 0; i < others; ++i) made[i] = map_at(NULL, i % 2 ? PROT_READ : PROT_NONE);
  char* page = made[others / 2];
  for (unsigned round = 1; round < 6; ++round) {
    visit(map_at(page, PROT_READ | PROT_WRITE), -1);
    if (mprotect(page, MTE_PAGE, PROT_READ | PROT_WRITE | MTE_PROT)) exit(1);
    visit(page, 0);
    mte_set(page, round);
    visit(page, (long)round);
    munmap(page, MTE_PAGE);
    visit(page, -1);
    map_at(page, PROT_READ | PROT_WRITE | MTE_PROT);
    mte_set(page, round);
    visit(page, (long)round);
    map_at(NULL, round % 2 ? PROT_READ : PROT_NONE);
    munmap(made[round], MTE_PAGE);
  }
  return 0;
}
