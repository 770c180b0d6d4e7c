/* Threads of the C library that share a counter under a mutex: for profiles. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { kThreads = 3, kRounds = 50, kOwn = 256 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counter;

/* Only its own thread's memory, a byte at a time. */
static __attribute__((noinline)) void fill(volatile char* own, int value) {
  for (int i = 0; i < kOwn; ++i) own[i] = (char)(value + i);
}

static __attribute__((noinline)) void add(long value) {
  pthread_mutex_lock(&lock);
  counter += value;
  pthread_mutex_unlock(&lock);
}

static void* work(void* argument) {
  char* own = malloc(kOwn);
  for (int i = 0; i < kRounds; ++i) {
    fill(own, i);
    add(own[i] + *(int*)argument);
  }
  free(own);
  return NULL;
}

int main(void) {
  pthread_t threads[kThreads];
  int numbers[kThreads];
  for (int i = 0; i < kThreads; ++i) {
    numbers[i] = i;
    pthread_create(&threads[i], NULL, work, &numbers[i]);
  }
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  printf("%ld\n", counter);
  return 0;
}
