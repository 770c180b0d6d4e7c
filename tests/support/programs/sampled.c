/* A use after free of memory that GWP-ASan has sampled, where Scudo is the heap:
 * SCUDO_OPTIONS=GWP_ASAN_SampleRate=1. Tags have no part in it. */
#include "mte.h"

int main(void) {
  char* gone = malloc(48);
  mte_say("pointer", (uintptr_t)gone + 8);
  char* stale = gone + 8;
  __asm__("" : "+r"(stale)); /* what is on purpose here is not to be warned of */
  free(gone);
  return (int)mte_load8(stale);
}
