/* A large tagged region of which a core has only parts: a hole that is not to be dumped, and pages
 * that were never touched. */
#include "mte.h"

enum { pages = 4096, hole = 1024, hole_pages = 16, step = 64 };

int main(void) {
  mte_enable(PR_MTE_TCF_SYNC);
  char* memory = mte_map((size_t)pages * MTE_PAGE);
  madvise(memory, (size_t)pages * MTE_PAGE, MADV_NOHUGEPAGE); /* one touch, one page */
  for (int page = 0; page < pages; page += step) {
    char* start = memory + (size_t)page * MTE_PAGE;
    for (int i = 0; i < MTE_PAGE / MTE_GRANULE; ++i)
      mte_set(start + i * MTE_GRANULE, (unsigned)(page / step + i) & 15);
  }
  char* left_out = memory + (size_t)hole * MTE_PAGE;
  madvise(left_out, (size_t)hole_pages * MTE_PAGE, MADV_DONTDUMP);
  mte_say("memory", (uintptr_t)memory);
  mte_say("size", (uintptr_t)pages * MTE_PAGE);
  mte_say("hole", (uintptr_t)left_out);
  mte_say("hole_size", (uintptr_t)hole_pages * MTE_PAGE);
  mte_say("step", (uintptr_t)step * MTE_PAGE);
  mte_say_tags("tags", memory, MTE_PAGE / MTE_GRANULE);
  char* wrong = mte_with_tag(memory, mte_get(memory) ^ 8);
  mte_say("pointer", (uintptr_t)wrong);
  return (int)mte_load8(wrong);
}
