/* Accesses beside heap memory that glibc's heap tagging catches:
 * GLIBC_TUNABLES=glibc.mem.tagging=3.
 *
 *   heap_bounds overflow|far|underflow|reused|thread
 *
 * overflow: right behind a chunk, in the next one's header. far: in the chunk behind. underflow:
 * right before. reused: memory that was freed and given out again. thread: as overflow, of memory
 * that another thread's arena has. */
#include <pthread.h>

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

static void* run(void* argument) {
  const char* how = argument;
  char* before = malloc(size);
  char* here = malloc(size);
  char* behind = malloc(size);
  if (((uintptr_t)here >> 56 & 15) == 0) {
    fprintf(stderr, "the heap is not tagged: GLIBC_TUNABLES=glibc.mem.tagging=3\n");
    exit(1);
  }
  char* wrong = here;
  if (!strcmp(how, "overflow") || !strcmp(how, "thread")) wrong += size;
  if (!strcmp(how, "far")) wrong += size + MTE_GRANULE;
  if (!strcmp(how, "underflow")) wrong -= 8;
  __asm__("" : "+r"(wrong)); /* what is on purpose here is not to be warned of */
  if (!strcmp(how, "reused")) here = given_out_again(here);
  mte_say("before", (uintptr_t)before);
  mte_say("here", (uintptr_t)here);
  mte_say("behind", (uintptr_t)behind);
  mte_say("pointer", (uintptr_t)wrong);
  return (void*)mte_load8(wrong);
}

int main(int argc, char** argv) {
  char* how = argc > 1 ? argv[1] : "overflow";
  if (strcmp(how, "thread") != 0) return run(how) != NULL;
  pthread_t other;
  if (pthread_create(&other, NULL, run, how) || pthread_join(other, NULL)) return 1;
  return 0;
}
