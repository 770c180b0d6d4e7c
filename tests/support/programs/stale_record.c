/* A handler that calls, and then aborts: what it called has left a frame record on the stack, and
 * where there are no frame pointers x29 is still that of the kernel's signal frame, whose record
 * leads past the function that faulted. Says where the fault is. */
#include "mte.h"

extern char fault_at[];
static volatile int sink;

__attribute__((noinline)) void called(int number) {
  char text[64];
  memset(text, number, sizeof text);
  sink = text[number & 63] + (int)getpid();
}

__attribute__((noinline)) static void handler(int number) {
  called(number);
  abort();
}

__attribute__((noinline)) int work(int* where) {
  __asm__ volatile(".globl fault_at\nfault_at: str wzr, [%0]" ::"r"(where) : "memory");
  sink = 1;
  return sink + 1;
}

int main(void) {
  signal(SIGSEGV, handler);
  mte_say("fault", (uintptr_t)fault_at);
  return work((int*)16) + sink;
}
