/* A use after free that glibc's heap tagging catches: run with GLIBC_TUNABLES=glibc.mem.tagging=3.
 */
#include "mte.h"

int main(void) {
  char* kept = malloc(48);
  char* gone = malloc(48);
  if (((uintptr_t)kept >> 56 & 15) == 0) {
    fprintf(stderr, "the heap is not tagged: GLIBC_TUNABLES=glibc.mem.tagging=3\n");
    return 1;
  }
  memset(kept, 'k', 48);
  mte_say("kept", (uintptr_t)kept);
  mte_say("pointer", (uintptr_t)gone);
  char* stale = gone;
  __asm__("" : "+r"(stale)); /* what is on purpose here is not to be warned of */
  free(gone);
  mte_say_tags("kept_tags", kept, 3);
  return (int)mte_load8(stale);
}
