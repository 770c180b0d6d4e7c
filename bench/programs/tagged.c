/* MIB mebibytes of tagged memory: 64 KiB for each owner in turn, and one page a mebibyte whose
 * granules alternate. Says where, then stops at `ready` and dies. */
#include "mte.h"

enum { stretch = 65536, mixed_every = 1 << 20 };

char* volatile memory;

__attribute__((noinline)) void ready(void) { __asm__ volatile(""); }

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  size_t size = (size_t)atoi(argv[1]) << 20;
  mte_enable(PR_MTE_TCF_SYNC);
  memory = mte_map(size);
  for (size_t at = 0; at < size; at += MTE_GRANULE) {
    unsigned owner = (unsigned)(at / stretch) & 15;
    if (at % mixed_every < MTE_PAGE) owner = (unsigned)(at / MTE_GRANULE) & 15;
    mte_set(memory + at, owner);
  }
  mte_say("memory", (uintptr_t)memory);
  ready();
  abort();
}
