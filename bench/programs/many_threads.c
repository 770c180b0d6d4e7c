/* A process with THREADS threads, eight calls deep each, and MEGABYTES of memory that is written
 * to, which dies of a tag check fault. */
#include "mte.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { depth = 8, stack = 1 << 17 }; /* no less: PTHREAD_STACK_MIN */

static pthread_barrier_t ready;

static __attribute__((noinline)) int down(int left) {
  volatile int here = left;
  if (left) {
    down(left - 1);
  } else {
    pthread_barrier_wait(&ready);
    for (;;) pause();
  }
  return here;
}

static void* work(void* unused) {
  down(depth);
  return unused;
}

int main(int argc, char** argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  size_t size = (size_t)(argc > 2 ? atoi(argv[2]) : 1) << 20;
  mte_enable(PR_MTE_TCF_SYNC);
  pthread_barrier_init(&ready, NULL, threads);
  pthread_attr_t small;
  pthread_attr_init(&small);
  if (pthread_attr_setstacksize(&small, stack)) abort();
  for (int i = 1; i < threads; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, &small, work, NULL)) abort();
  }
  memset(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 0x5a, size);
  char* memory = mte_map(MTE_PAGE);
  mte_set(memory, 3);
  mte_say("memory", (uintptr_t)memory);
  pthread_barrier_wait(&ready);
  return (int)mte_load8(mte_with_tag(memory, 11));
}
