/* Accesses beside heap memory that glibc's heap tagging catches:
 * GLIBC_TUNABLES=glibc.mem.tagging=3.
 *
 *   heap_bounds overflow|far|underflow|reused
 *
 * overflow: right behind a chunk, in the next one's header. far: in the chunk behind. underflow:
 * right before. reused: memory that was freed and given out again. */
#include "mte.h"

enum { size = 48 };

static char* given_out_again(char* gone) {
  /* A cache gives back what it got last; the tag is drawn anew, and one in fifteen is the same. */
  char* again = gone;
  do {
    free(again);
    again = malloc(size);
  } while (again == gone);
  return again;
}

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "overflow";
  char* before = malloc(size);
  char* here = malloc(size);
  char* behind = malloc(size);
  if (((uintptr_t)here >> 56 & 15) == 0) {
    fprintf(stderr, "the heap is not tagged: GLIBC_TUNABLES=glibc.mem.tagging=3\n");
    return 1;
  }
  char* wrong = here;
  if (!strcmp(how, "overflow")) wrong += size;
  if (!strcmp(how, "far")) wrong += size + MTE_GRANULE;
  if (!strcmp(how, "underflow")) wrong -= 8;
  __asm__("" : "+r"(wrong)); /* what is on purpose here is not to be warned of */
  if (!strcmp(how, "reused")) here = given_out_again(here);
  mte_say("before", (uintptr_t)before);
  mte_say("here", (uintptr_t)here);
  mte_say("behind", (uintptr_t)behind);
  mte_say("pointer", (uintptr_t)wrong);
  return (int)mte_load8(wrong);
}
