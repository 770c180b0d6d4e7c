// SPDX-License-Identifier: MIT
// Two threads that never end, each in a loop under one mutex: for a debugger that stops them.
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile long shared;
static struct {
  _Alignas(64) volatile long number;
} begun[2]; /* which the first thread touches before the others do */

static __attribute__((noinline)) void begin(long number) { begun[number].number = number; }

static __attribute__((noinline)) void add(long value) {
  pthread_mutex_lock(&lock);
  shared += value;
  pthread_mutex_unlock(&lock);
}

static __attribute__((noinline)) long turn(long value) {
  volatile long own = value;
  while (own >= 0) {
    add(own);
    own += 2;
  }
  return own;
}

static void* work(void* argument) {
  begin((long)argument);
  long last = turn((long)argument + 1);
  return (void*)(last + 1);
}

int main(void) {
  pthread_t first, second;
  begin(0);
  begin(1);
  pthread_create(&first, 0, work, (void*)0);
  pthread_create(&second, 0, work, (void*)1);
  pthread_join(first, 0);
  pthread_join(second, 0);
  return (int)shared;
}
