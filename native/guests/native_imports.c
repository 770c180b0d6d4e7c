/* SPDX-License-Identifier: MIT
 *
 * The host functions for guests that are built as ordinary x86-64 programs: with these, the same
 * source gives the output that the runtime must reproduce.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mtetso_guest.h"

enum { MAX_THREADS = 1024 };

static struct thread {
  pthread_t host;
  uint64_t (*function)(void*);
  void* argument;
} threads[MAX_THREADS];
static long thread_count = 1; /* 1 is the first thread, as in the runtime */

static void* body(void* argument) {
  struct thread* thread = argument;
  return (void*)thread->function(thread->argument);
}

long mtetso_write(const void* bytes, size_t size) { return write(STDOUT_FILENO, bytes, size); }

void mtetso_exit(int status) { _exit(status); }

/* Called by the first thread only, in the guests there are. */
long mtetso_spawn(uint64_t (*function)(void*), void* argument) {
  if (thread_count + 1 >= MAX_THREADS) return -1;
  struct thread* thread = &threads[++thread_count];
  *thread = (struct thread){.function = function, .argument = argument};
  return pthread_create(&thread->host, NULL, body, thread) == 0 ? thread_count : -1;
}

uint64_t mtetso_join(long id) {
  void* result;
  if (id < 2 || id > thread_count || pthread_join(threads[id].host, &result) != 0)
    return ~UINT64_C(0);
  return (uint64_t)result;
}

void* mtetso_allocate(size_t size) { return calloc(1, size); }

int mtetso_core_id(void) { return sched_getcpu(); }

void mtetso_yield(void) { sched_yield(); }

uint64_t mtetso_host_peek(const uint64_t* pointer) { return *pointer; }

long mtetso_read(void* bytes, size_t size) { return read(STDIN_FILENO, bytes, size); }

void* mtetso_map_file(const char* path, size_t* length) {
  struct stat about;
  int file = open(path, O_RDONLY);
  if (file < 0 || fstat(file, &about) != 0 || about.st_size == 0) return NULL;
  *length = (size_t)about.st_size;
  void* memory = mmap(NULL, *length, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  close(file);
  return memory == MAP_FAILED ? NULL : memory;
}

uint64_t mtetso_call(uint64_t (*function)(uint64_t, uint64_t), uint64_t a, uint64_t b) {
  return function(a, b);
}

int mtetso_sort(uint64_t* values, size_t count, int (*less)(uint64_t, uint64_t)) {
  for (size_t i = 1; i < count; ++i)
    for (size_t at = i; at > 0 && less(values[at], values[at - 1]); --at) {
      uint64_t other = values[at];
      values[at] = values[at - 1];
      values[at - 1] = other;
    }
  return 0;
}

/* Programs of the runtime cannot be loaded here. */
long mtetso_load(const char* path) {
  (void)path;
  return -1;
}

void* mtetso_symbol(long program, const char* name) {
  (void)program, (void)name;
  return NULL;
}

int mtetso_unload(long program) {
  (void)program;
  return -1;
}
