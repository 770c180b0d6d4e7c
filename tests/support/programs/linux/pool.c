// A thread pool of GLib's: three threads take numbers from it, add up memory of their own, and give
// the sums back in a queue under a mutex and in an asynchronous queue. Declared here as in glib.h,
// whose package is not needed then.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef void (*Work)(void* data, void* of_all);
extern void* g_thread_pool_new(Work work, void* of_all, int most, int exclusive, void** error);
extern int g_thread_pool_push(void* pool, void* data, void** error);
extern void g_thread_pool_free(void* pool, int at_once, int wait);
extern void* g_async_queue_new(void);
extern void g_async_queue_push(void* queue, void* data);
extern void* g_async_queue_pop(void* queue);
extern void* g_queue_new(void);
extern void g_queue_push_tail(void* queue, void* data);
extern void* g_queue_pop_head(void* queue);
extern void g_mutex_lock(void* mutex);
extern void g_mutex_unlock(void* mutex);

enum { kThreads = 3, kPieces = 40, kOwn = 64 };

static void* mutex;
static void* sums;
static void* done;

static __attribute__((noinline)) intptr_t add_up(intptr_t first) {
  volatile intptr_t own[kOwn];
  intptr_t sum = 0;
  for (int i = 0; i < kOwn; ++i) own[i] = first + i;
  for (int i = 0; i < kOwn; ++i) sum += own[i];
  return sum;
}

static void work(void* data, void* of_all) {
  (void)of_all;
  const intptr_t sum = add_up((intptr_t)data);
  g_mutex_lock(&mutex);
  g_queue_push_tail(sums, (void*)sum);
  g_mutex_unlock(&mutex);
  g_async_queue_push(done, data);
}

int main(void) {
  sums = g_queue_new();
  done = g_async_queue_new();
  void* pool = g_thread_pool_new(work, NULL, kThreads, 1, NULL);
  for (intptr_t i = 1; i <= kPieces; ++i) g_thread_pool_push(pool, (void*)i, NULL);
  for (int i = 0; i < kPieces; ++i) g_async_queue_pop(done);
  g_thread_pool_free(pool, 0, 1);
  intptr_t all = 0;
  for (void* sum; (sum = g_queue_pop_head(sums)) != NULL;) all += (intptr_t)sum;
  printf("%ld\n", (long)all);
  return EXIT_SUCCESS;
}
