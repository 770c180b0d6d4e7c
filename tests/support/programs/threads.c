/* Threads that differ in their check modes; the main one, in synchronous mode, faults. */
#include "mte.h"

#include <pthread.h>

struct role {
  const char* name;
  unsigned long modes;
};

static const struct role roles[] = {{"none", PR_MTE_TCF_NONE},
                                    {"async", PR_MTE_TCF_ASYNC},
                                    {"both", PR_MTE_TCF_SYNC | PR_MTE_TCF_ASYNC}};
enum { role_count = sizeof roles / sizeof *roles };

static pthread_barrier_t ready;

static void* work(void* argument) {
  const struct role* role = argument;
  mte_enable(role->modes);
  mte_say(role->name, (uintptr_t)gettid());
  pthread_barrier_wait(&ready);
  while (pause()) continue;
  return NULL;
}

int main(void) {
  pthread_t thread;
  pthread_barrier_init(&ready, NULL, role_count + 1);
  for (int i = 0; i < role_count; ++i) pthread_create(&thread, NULL, work, (void*)&roles[i]);
  pthread_barrier_wait(&ready);
  mte_enable(PR_MTE_TCF_SYNC);
  char* memory = mte_map(MTE_PAGE);
  mte_set(memory, 2);
  mte_say("sync", (uintptr_t)gettid());
  mte_say("memory", (uintptr_t)memory);
  mte_say("pointer", (uintptr_t)mte_with_tag(memory, 12));
  return (int)mte_load8(mte_with_tag(memory, 12));
}
