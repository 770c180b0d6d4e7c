/* A fault that has nothing to do with tags: a store to an address that is not mapped. */
#include "mte.h"

int main(void) {
  mte_enable(PR_MTE_TCF_SYNC);
  char* memory = mte_map(MTE_PAGE);
  munmap(memory, MTE_PAGE);
  mte_say("pointer", (uintptr_t)memory + 40);
  *(volatile char*)(memory + 40) = 1;
  return 0;
}
