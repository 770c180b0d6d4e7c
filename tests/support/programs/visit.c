/* For conditions of breakpoints: one function that meets every granule of a page, each by a
 * pointer with the right tag, and the last one again by one with a wrong tag. */
#include "mte.h"

enum { granules = MTE_PAGE / MTE_GRANULE };

__attribute__((noinline)) void visit(char* pointer) { __asm__ volatile("" ::"r"(pointer)); }

int main(void) {
  mte_enable(PR_MTE_TCF_SYNC);
  char* memory = mte_map(MTE_PAGE);
  for (int i = 0; i < granules; ++i) mte_set(memory + i * MTE_GRANULE, (unsigned)i & 15);
  mte_say("memory", (uintptr_t)memory);
  for (int i = 0; i < granules; ++i) {
    char* granule = memory + i * MTE_GRANULE;
    visit(mte_with_tag(granule, mte_get(granule)));
  }
  visit(mte_with_tag(memory, 9));
  return 0;
}
