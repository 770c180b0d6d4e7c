/* Bugs of variables on a tagged stack, for clang's -fsanitize=memtag-stack: stack BUG HANDLER
 * [threads]
 *
 * The tag of a frame is drawn at random, its variables' tags count on from it. */
#include "crash.h"

#define UNTAGGED __attribute__((no_sanitize("memtag")))

static volatile uint64_t seen;
static char* kept;

static NOINLINE UNTAGGED void put(char* buffer, long offset, char value) {
  HERE();
  ((volatile char*)buffer)[offset] = value;
  NO_TAIL_CALL();
}

static NOINLINE UNTAGGED char take(const char* buffer, long offset) {
  HERE();
  char value = ((const volatile char*)buffer)[offset];
  return (char)(value + 1);
}

static UNTAGGED void about(const char* object, size_t size, long offset) {
  say("object", (uintptr_t)object);
  say("size", size);
  say("access", (uintptr_t)object + (uintptr_t)offset);
}

static NOINLINE void over_1(void) {
  char before[32] = "before", buffer[48] = "buffer", behind[32] = "behind";
  char *one = before, *two = behind;
  HIDE(one);
  HIDE(two);
  about(buffer, sizeof buffer, sizeof buffer);
  put(buffer, sizeof buffer, 1);
  seen = (uint64_t)(one[1] + two[1] + buffer[1]);
}

static NOINLINE void over_read(void) {
  char before[32] = "before", buffer[64] = "buffer", behind[32] = "behind";
  char *one = before, *two = behind;
  HIDE(one);
  HIDE(two);
  about(buffer, sizeof buffer, sizeof buffer + 7);
  seen = (uint64_t)take(buffer, sizeof buffer + 7);
  seen = (uint64_t)(one[1] + two[1] + buffer[1]);
}

static NOINLINE void over_memset(void) {
  char before[32] = "before", buffer[48] = "buffer", behind[32] = "behind";
  char *one = before, *two = behind, *all = buffer;
  size_t count = sizeof buffer + 16;
  HIDE(one);
  HIDE(two);
  HIDE(all);
  HIDE(count);
  about(buffer, sizeof buffer, sizeof buffer);
  HERE();
  memset(all, 0, count);
  seen = (uint64_t)(one[1] + two[1] + buffer[1]);
}

static NOINLINE void over_walk(void) {
  uint32_t table[16] = {1}, behind[8] = {2};
  uint32_t *all = table, *two = behind;
  size_t count = 20;
  HIDE(all);
  HIDE(two);
  HIDE(count);
  about((char*)table, sizeof table, sizeof table);
  HERE();
  for (size_t i = 0; i < count; ++i) ((volatile uint32_t*)all)[i] = (uint32_t)i;
  seen = table[1] + two[1];
}

static NOINLINE void under_1(void) {
  char before[32] = "before", buffer[48] = "buffer", behind[32] = "behind";
  char *one = before, *two = behind;
  HIDE(one);
  HIDE(two);
  about(buffer, sizeof buffer, -1);
  put(buffer, -1, 1);
  seen = (uint64_t)(one[1] + two[1] + buffer[1]);
}

static NOINLINE char* gone(void) {
  char local[32] = "local";
  char* address = local;
  HIDE(address);
  about(address, sizeof local, 3);
  return address;
}

static NOINLINE void use_after_return(void) {
  kept = gone();
  seen = (uint64_t)take(kept, 3);
}

static NOINLINE void use_after_scope(void) {
  char outer[32] = "outer";
  char* one = outer;
  HIDE(one);
  {
    char inner[48] = "inner";
    kept = inner;
    HIDE(kept);
    about(kept, sizeof inner, 5);
    seen = (uint64_t)kept[1];
  }
  HIDE(one);
  put(kept, 5, 1);
  seen = (uint64_t)one[1];
}

static const struct {
  const char* name;
  void (*run)(void);
} bugs[] = {
    {"over_1", over_1},
    {"over_read", over_read},
    {"over_memset", over_memset},
    {"over_walk", over_walk},
    {"under_1", under_1},
    {"use_after_return", use_after_return},
    {"use_after_scope", use_after_scope},
};

static UNTAGGED void with_tagged_stack(void) {
  enum { tagged = 0x20 };
  uintptr_t page = (uintptr_t)__builtin_frame_address(0) & ~4095ul;
  if (prctl(PR_SET_TAGGED_ADDR_CTRL,
            PR_TAGGED_ADDR_ENABLE | PR_MTE_TCF_SYNC | (0xfffeul << PR_MTE_TAG_SHIFT), 0, 0, 0) ||
      mprotect((void*)page, 4096, PROT_READ | PROT_WRITE | tagged | PROT_GROWSDOWN)) {
    perror("tagged stack");
    exit(1);
  }
}

UNTAGGED int main(int argc, char** argv) {
  if (argc < 3) return 1;
  with_tagged_stack();
  for (size_t i = 0; i < sizeof bugs / sizeof *bugs; ++i)
    if (!strcmp(bugs[i].name, argv[1])) return crash(bugs[i].run, argv[2], argc > 3);
  return 1;
}
