/* Bugs of heap memory: heap BUG HANDLER SIZE [threads]
 *
 * The memory is the C library's (or whatever is loaded in its place) or, with -DOWN_HEAP, the
 * program's own. Chance is kept out: where a wrong access would meet the same tag, the program
 * allocates on until it would not. */
#include "crash.h"
#ifdef OWN_HEAP
#include "own_heap.h"
#define malloc heap_get
#define free heap_give
#endif

struct request {
  struct request* next;
  uint64_t number;
  uint64_t fields[4];
};

static size_t size = 48;
static char* kept[400];
static volatile uint64_t seen;

static unsigned tag_at(const char* address) {
  uintptr_t found = (uintptr_t)address;
  __asm__ volatile("ldg %0, [%0]" : "+r"(found));
  return found >> 56 & 15;
}

static unsigned tag_of(const char* pointer) { return (uintptr_t)pointer >> 56 & 15; }

/* Whether an access would pass. Large objects end at pages that nobody may look at. */
static int matches(const char* pointer, const char* address) {
  return size < 65536 && tag_at(address) == tag_of(pointer);
}

/* As a program that ran for a while has it: many objects of several sizes, some given back. */
static NOINLINE void fill_heap(void) {
  memset(malloc(size), 0, size); /* nothing is before the first one */
  for (size_t i = 0; i < 400; ++i) {
    kept[i] = malloc(16 + i * 37 % 300);
    memset(kept[i], (int)i, 16);
  }
  for (size_t i = 0; i < 400; i += 3) {
    free(kept[i]);
    kept[i] = NULL;
  }
}

/* An object whose pointer does not match the tag at `offset` from it. */
static NOINLINE char* object_for(long offset) {
  char* object;
  do {
    object = malloc(size);
    memset(object, 0x5a, size);
    char* target = object + offset;
    HIDE(target);
    if (!matches(object, target)) break;
  } while (1);
  say("object", (uintptr_t)object);
  say("size", size);
  say("access", (uintptr_t)object + (uintptr_t)offset);
  HIDE(object);
  return object;
}

#ifdef REBUILT
/* A later version of the program: code that moves what comes after it. */
static NOINLINE void start_log(const char* name) {
  static char line[128];
  snprintf(line, sizeof line, "serving %s: %zu bytes, %zu objects\n", name, size,
           sizeof kept / sizeof *kept);
  if (strlen(line) > 120) puts(line);
}
#endif

/* The accessors that several bugs share, as getters are shared in a program. */
static NOINLINE uint64_t read_number(const struct request* request) {
  HERE();
  uint64_t number = *(const volatile uint64_t*)&request->number;
  return number + 1;
}

static NOINLINE void write_number(struct request* request, uint64_t number) {
  HERE();
  *(volatile uint64_t*)&request->number = number;
  NO_TAIL_CALL();
}

static inline uint64_t sum_of(const struct request* request) {
  HERE();
  uint64_t sum = *(const volatile uint64_t*)&request->fields[0];
  return sum + request->fields[1];
}

static NOINLINE void give_back(void* memory) {
  free(memory);
  NO_TAIL_CALL();
}

/* A freed object, to be used through the pointer that is returned. */
static NOINLINE char* stale(void) {
  char* object;
  do {
    object = malloc(size);
    memset(object, 0x5a, size);
    give_back(object);
    HIDE(object);
  } while (matches(object, object));
  say("object", (uintptr_t)object);
  say("size", size);
  return object;
}

/* The same, where its memory has a new owner. */
static NOINLINE char* reused(void) {
  char *object, *again;
  do {
    object = malloc(size);
    memset(object, 0x5a, size);
    give_back(object);
    HIDE(object);
    for (int i = 0; i < 4000; ++i) {
      again = malloc(size);
      memset(again, 0xa5, size);
      HIDE(again);
      if (((uintptr_t)again ^ (uintptr_t)object) << 8 == 0) break;
    }
  } while (((uintptr_t)again ^ (uintptr_t)object) << 8 != 0 || matches(object, object));
  say("object", (uintptr_t)object);
  say("size", size);
  return object;
}

static NOINLINE void uaf_read(void) {
  struct request* request = (struct request*)stale();
  seen = read_number(request);
}

static NOINLINE void uaf_write(void) {
  struct request* request = (struct request*)stale();
  write_number(request, 7);
  NO_TAIL_CALL();
}

static NOINLINE void uaf_inlined(void) {
  struct request* request = (struct request*)stale();
  seen = sum_of(request);
}

static NOINLINE void uaf_memcpy(void) {
  char copy[32];
  char* object = stale();
  HERE();
  memcpy(copy, object, sizeof copy);
  seen = (uint64_t)copy[3];
}

static NOINLINE void uaf_strlen(void) {
  char* object = stale();
  HERE();
  seen = strlen(object + 16);
}

static NOINLINE void uaf_reused(void) {
  struct request* request = (struct request*)reused();
  seen = read_number(request);
}

static NOINLINE void uaf_reused_write(void) {
  struct request* request = (struct request*)reused();
  write_number(request, 9);
  NO_TAIL_CALL();
}

static NOINLINE void put(char* object, long offset, char value) {
  HERE();
  ((volatile char*)object)[offset] = value;
  NO_TAIL_CALL();
}

static NOINLINE char take(const char* object, long offset) {
  HERE();
  char value = ((const volatile char*)object)[offset];
  return (char)(value + 1);
}

static NOINLINE void beyond(long by) {
  put(object_for((long)size + by - 1), (long)size + by - 1, 1);
  NO_TAIL_CALL();
}

static NOINLINE void over_1(void) {
  beyond(1);
  NO_TAIL_CALL();
}

static NOINLINE void over_8(void) {
  beyond(8);
  NO_TAIL_CALL();
}

static NOINLINE void over_100(void) {
  beyond(100);
  NO_TAIL_CALL();
}

static NOINLINE void over_1000(void) {
  beyond(1000);
  NO_TAIL_CALL();
}

static NOINLINE void over_read(void) { seen = (uint64_t)take(object_for((long)size), (long)size); }

/* A loop whose end is wrong. */
static NOINLINE void over_walk(void) {
  char* object = object_for((long)size);
  size_t count = size + 64;
  HIDE(count);
  HERE();
  for (size_t i = 0; i < count; ++i) ((volatile char*)object)[i] = (char)i;
  NO_TAIL_CALL();
}

static NOINLINE void over_memset(void) {
  char* object = object_for((long)size);
  size_t count = size + 64;
  HIDE(count);
  HERE();
  memset(object, 0, count);
  NO_TAIL_CALL();
}

static NOINLINE void over_memcpy(void) {
  static char from[1 << 16];
  char* object = object_for((long)size);
  size_t count = size + 64;
  HIDE(count);
  HERE();
  memcpy(object, from, count);
  NO_TAIL_CALL();
}

static NOINLINE void over_strcpy(void) {
  static char from[1 << 16];
  memset(from, 'x', size + 30);
  char* object = object_for((long)size);
  HERE();
  strcpy(object, from);
  NO_TAIL_CALL();
}

static NOINLINE void under_1(void) {
  put(object_for(-1), -1, 1);
  NO_TAIL_CALL();
}

static NOINLINE void under_16(void) { seen = (uint64_t)take(object_for(-16), -16); }

static NOINLINE void under_100(void) {
  put(object_for(-100), -100, 1);
  NO_TAIL_CALL();
}

static NOINLINE void double_free(void) {
  char* object = stale();
  HERE();
  give_back(object);
  NO_TAIL_CALL();
}

static NOINLINE void double_free_reused(void) {
  char* object = reused();
  HERE();
  give_back(object);
  NO_TAIL_CALL();
}

static NOINLINE void invalid_free_inside(void) {
  char* object = object_for((long)size);
  HERE();
  give_back(object + 16);
  NO_TAIL_CALL();
}

static NOINLINE void invalid_free_stack(void) {
  char buffer[64];
  char* inside = buffer + 16;
  memset(buffer, 1, sizeof buffer);
  HIDE(inside);
  HERE();
  give_back(inside);
  NO_TAIL_CALL();
}

static NOINLINE void invalid_free_garbage(void) {
  char* garbage = (char*)0x4141414141414140;
  HIDE(garbage);
  HERE();
  give_back(garbage);
  NO_TAIL_CALL();
}

static NOINLINE void null_pointer(void) {
  struct request* request = NULL;
  HIDE(request);
  seen = read_number(request);
}

static NOINLINE void garbage_pointer(void) {
  struct request* request = (struct request*)0x4141414141414141;
  HIDE(request);
  seen = read_number(request);
}

static NOINLINE void untagged_pointer(void) {
  char* object = object_for((long)size);
  object = (char*)((uintptr_t)object & ((1ul << 56) - 1));
  HIDE(object);
  seen = read_number((struct request*)object);
}

static NOINLINE void null_call(void) {
  void (*function)(void) = NULL;
  HIDE(function);
  HERE();
  function();
  NO_TAIL_CALL();
}

#pragma GCC diagnostic ignored "-Winfinite-recursion"
static NOINLINE int stack_overflow_step(int depth) {
  volatile char frame[4096];
  frame[0] = (char)depth;
  return stack_overflow_step(depth + 1) + frame[0];
}

static NOINLINE void stack_overflow(void) { seen = (uint64_t)stack_overflow_step(0); }

static NOINLINE void plain_abort(void) {
  HERE();
  abort();
}

static struct request* shared;
static pthread_barrier_t both;

static NOINLINE uint64_t race_read(void) {
  uint64_t sum = 0;
  HERE();
  for (;;) sum += *(volatile uint64_t*)&shared->number;
  return sum;
}

static void* race_reader(void* unused) {
  if (!strncmp(crash_how, "alt", 3)) use_alternate_stack();
  pthread_barrier_wait(&both);
  seen = race_read();
  return unused;
}

static NOINLINE void race(void) {
  pthread_t reader;
  shared = (struct request*)object_for((long)size);
  pthread_barrier_init(&both, NULL, 2);
  if (pthread_create(&reader, NULL, race_reader, NULL)) abort();
  pthread_barrier_wait(&both);
  usleep(3000);
  char* object = (char*)shared;
  do {
    give_back(object);
    HIDE(object);
    if (matches(object, object)) object = malloc(size);
  } while (matches(object, object));
  pthread_join(reader, NULL);
}

static const struct {
  const char* name;
  void (*run)(void);
} bugs[] = {
    {"uaf_read", uaf_read},
    {"uaf_write", uaf_write},
    {"uaf_inlined", uaf_inlined},
    {"uaf_memcpy", uaf_memcpy},
    {"uaf_strlen", uaf_strlen},
    {"uaf_reused", uaf_reused},
    {"uaf_reused_write", uaf_reused_write},
    {"over_1", over_1},
    {"over_8", over_8},
    {"over_100", over_100},
    {"over_1000", over_1000},
    {"over_read", over_read},
    {"over_walk", over_walk},
    {"over_memset", over_memset},
    {"over_memcpy", over_memcpy},
    {"over_strcpy", over_strcpy},
    {"under_1", under_1},
    {"under_16", under_16},
    {"under_100", under_100},
    {"double_free", double_free},
    {"double_free_reused", double_free_reused},
    {"invalid_free_inside", invalid_free_inside},
    {"invalid_free_stack", invalid_free_stack},
    {"invalid_free_garbage", invalid_free_garbage},
    {"null_pointer", null_pointer},
    {"garbage_pointer", garbage_pointer},
    {"untagged_pointer", untagged_pointer},
    {"null_call", null_call},
    {"stack_overflow", stack_overflow},
    {"plain_abort", plain_abort},
    {"race", race},
};

static NOINLINE int serve(const char* name, const char* how, int threads) {
#ifdef REBUILT
  start_log(name);
#endif
  for (size_t i = 0; i < sizeof bugs / sizeof *bugs; ++i)
    if (!strcmp(bugs[i].name, name)) return crash(bugs[i].run, how, threads) + 1;
  fprintf(stderr, "no such bug: %s\n", name);
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 4) return 1;
  size = strtoul(argv[3], NULL, 10);
  fill_heap();
  return serve(argv[1], argv[2], argc > 4) - 1;
}
