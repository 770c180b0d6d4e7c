/* Accesses to variables on a tagged stack that are wrong: for clang's -fsanitize=memtag-stack.
 *
 *   stack_bounds overflow|underflow|return|scope
 *
 * overflow: right behind a variable. underflow: right before. return: of a function that has
 * returned. scope: of a block that has ended. */
#include "mte.h"

#define NOT_INLINE __attribute__((noinline))
#define NOT_TAGGED __attribute__((no_sanitize("memtag")))

static char* kept;

static NOT_INLINE NOT_TAGGED void put(char* where, char value) {
  mte_say("pointer", (uintptr_t)where);
  *(volatile char*)where = value;
}

static NOT_INLINE void beside(long offset) {
  char before[32] = "before", buffer[48] = "buffer", behind[32] = "behind";
  char *one = before, *two = behind;
  __asm__("" : "+r"(one), "+r"(two)); /* all three are in memory */
  mte_say("buffer", (uintptr_t)buffer);
  put(buffer + offset, one[0] + two[0]);
}

static NOT_INLINE char* returned(void) {
  char local[48] = "local";
  char* address = local;
  __asm__("" : "+r"(address));
  mte_say("local", (uintptr_t)address);
  return address;
}

static NOT_INLINE void scope(void) {
  char outer[32] = "outer";
  char* one = outer;
  __asm__("" : "+r"(one));
  {
    char inner[48] = "inner";
    kept = inner;
    __asm__("" : "+r"(kept));
    mte_say("inner", (uintptr_t)kept);
  }
  put(kept + 5, one[0]);
}

static NOT_TAGGED void with_tagged_stack(void) {
  mte_enable(PR_MTE_TCF_SYNC);
  uintptr_t page = (uintptr_t)__builtin_frame_address(0) & ~(MTE_PAGE - 1ul);
  if (mprotect((void*)page, MTE_PAGE, PROT_READ | PROT_WRITE | MTE_PROT | PROT_GROWSDOWN)) {
    perror("mprotect");
    exit(1);
  }
}

NOT_TAGGED int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "overflow";
  with_tagged_stack();
  if (!strcmp(how, "overflow")) beside(48);
  if (!strcmp(how, "underflow")) beside(-1);
  if (!strcmp(how, "return")) put(returned() + 3, 1);
  if (!strcmp(how, "scope")) scope();
  return 1;
}
