/* A synchronous tag check fault by an eight byte load.
 *
 *   sync_fault [plain|straddle|filtered]
 *
 * plain: the pointer's tag does not match the granule's. straddle: it matches the first granule of
 * the access and not the second. filtered: as plain, with private memory left out of the core. */
#include "mte.h"

enum { granules = 2 * MTE_PAGE / MTE_GRANULE, victim = 5 };

static void leave_private_memory_out(void) {
  FILE* filter = fopen("/proc/self/coredump_filter", "w");
  if (!filter || fputs("0x32", filter) < 0 || fclose(filter)) {
    perror("coredump_filter");
    exit(1);
  }
}

int main(int argc, char** argv) {
  const char* variant = argc > 1 ? argv[1] : "plain";
  mte_enable(PR_MTE_TCF_SYNC);
  char* memory = mte_map(granules * MTE_GRANULE);
  for (int i = 0; i < granules; ++i) mte_set(memory + i * MTE_GRANULE, (unsigned)(i * 7 + 3) & 15);
  if (!strcmp(variant, "filtered")) leave_private_memory_out();
  char* inside = memory + victim * MTE_GRANULE;
  char* wrong = mte_with_tag(inside + 3, mte_get(inside) ^ 1);
  if (!strcmp(variant, "straddle")) wrong = mte_with_tag(inside + 12, mte_get(inside));
  mte_say("memory", (uintptr_t)memory);
  mte_say_tags("tags", memory, granules);
  mte_say("pointer", (uintptr_t)wrong);
  return (int)mte_load8(wrong);
}
