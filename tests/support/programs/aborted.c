/* A program that ends itself, two calls deep, while another thread waits. */
#include <pthread.h>

#include "mte.h"

static void* wait_for_ever(void* unused) {
  for (;;) pause();
  return unused;
}

static __attribute__((noinline)) void give_up(void) {
  mte_say("pointer", (uintptr_t)__builtin_frame_address(0));
  abort();
}

int main(void) {
  pthread_t other;
  mte_enable(PR_MTE_TCF_SYNC);
  if (pthread_create(&other, NULL, wait_for_ever, NULL)) return 1;
  give_up();
  return 0;
}
