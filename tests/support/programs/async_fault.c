/* An asynchronous tag check fault: the kernel reports it some time after the store. */
#include "mte.h"

int main(void) {
  mte_enable(PR_MTE_TCF_ASYNC);
  char* memory = mte_map(MTE_PAGE);
  for (int i = 0; i < MTE_PAGE / MTE_GRANULE; ++i) mte_set(memory + i * MTE_GRANULE, 6);
  mte_say("memory", (uintptr_t)memory);
  mte_say_tags("tags", memory, MTE_PAGE / MTE_GRANULE);
  mte_say("pointer", (uintptr_t)mte_with_tag(memory + 64, 9));
  *(volatile char*)mte_with_tag(memory + 64, 9) = 1;
  for (;;) getppid(); /* the fault is taken at the next entry to the kernel */
}
