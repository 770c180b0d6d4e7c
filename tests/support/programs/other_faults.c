/* Deaths that no tag check has to do with: `other_faults KIND`. */
#include "mte.h"

#include <sys/resource.h>

#define STACK (256 << 10)
#define PROT_GUARDED 0x10 /* PROT_BTI */

static volatile int more = 1;
static char words[] = "a name that was too long";

static __attribute__((noinline)) int recurse(volatile char* above) {
  volatile char room[1024];
  room[0] = above[0];
  return more ? recurse(room) + room[1] : 0;
}

static __attribute__((noinline)) int call(int (*function)(int)) { return function(1) + 1; }

/* The frame record, x29 and x30 of the caller, is overwritten. */
static __attribute__((noinline)) void overwrite(void) {
  memcpy(__builtin_frame_address(0), words, 16);
  __asm__ volatile("" ::: "memory");
}

__attribute__((noinline, target("branch-protection=pac-ret"))) static void overwrite_signed(void) {
  memcpy(__builtin_frame_address(0), words, 16);
  __asm__ volatile("" ::: "memory");
}

/* A function of one NOP and RET, in memory where indirect branches need a landing pad. */
static void* guarded(void) {
  uint32_t* code = mmap(NULL, MTE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) exit(1);
  code[0] = 0xd503201f;
  code[1] = 0xd65f03c0;
  if (mprotect(code, MTE_PAGE, PROT_READ | PROT_EXEC | PROT_GUARDED)) exit(1);
  return code;
}

static __attribute__((noinline)) int load(volatile int* of) { return of[2] + 1; }

int main(int argc, char** argv) {
  const char* kind = argc > 1 ? argv[1] : "";
  uintptr_t text;
  mte_enable(PR_MTE_TCF_SYNC);
  mte_say("pointer", (uintptr_t)words);
  memcpy(&text, words, sizeof text);
  if (!strcmp(kind, "null")) return load(NULL);
  if (!strcmp(kind, "jump")) return call((int (*)(int))text);
  if (!strcmp(kind, "misaligned")) return call((int (*)(int))((uintptr_t)load + 2));
  if (!strcmp(kind, "return")) overwrite();
  if (!strcmp(kind, "signed")) overwrite_signed();
  if (!strcmp(kind, "guarded")) return call((int (*)(int))guarded());
  if (!strcmp(kind, "data")) return call((int (*)(int))(uintptr_t)words);
  if (!strcmp(kind, "file")) {
    int file = memfd_create("cut", 0);
    if (file < 0 || ftruncate(file, MTE_PAGE)) return 1;
    int* mapped = mmap(NULL, MTE_PAGE, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED || ftruncate(file, 0)) return 1;
    return load(mapped);
  }
  if (!strcmp(kind, "stack")) {
    const struct rlimit limit = {STACK, STACK};
    if (setrlimit(RLIMIT_STACK, &limit)) return 1;
    volatile char first[1] = {1};
    return recurse(first);
  }
  return 2;
}
