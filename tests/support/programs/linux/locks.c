/* SPDX-License-Identifier: MIT */
/* Locks in memory that processes share: left behind by one that ends in each way, with priority
   inheritance, condition variables, semaphores, and their time limits. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct Shared {
  pthread_mutex_t robust, plain, inherits;
  pthread_cond_t changed;
  sem_t semaphore;
  int value;
};

static struct Shared* g_shared;
static volatile int* volatile g_nowhere;

static void* end_thread(void* unused) {
  pthread_mutex_lock(&g_shared->robust);
  return unused;
}

static void leave(int how) {
  pthread_t thread;
  switch (how) {
    case 0:
      pthread_mutex_lock(&g_shared->robust);
      _exit(0);
    case 1:
      pthread_mutex_lock(&g_shared->robust);
      kill(getpid(), SIGKILL);
      break;
    case 2:
      pthread_mutex_lock(&g_shared->robust);
      abort();
    case 3:
      pthread_mutex_lock(&g_shared->robust);
      *g_nowhere = 1;
      break;
    default:
      pthread_create(&thread, NULL, end_thread, NULL);
      pthread_join(thread, NULL);
      _exit(0);
  }
}

static void* wait_for_it(void* result) {
  *(int*)result = pthread_mutex_lock(&g_shared->robust);
  if (*(int*)result == EOWNERDEAD) pthread_mutex_consistent(&g_shared->robust);
  pthread_mutex_unlock(&g_shared->robust);
  return NULL;
}

static void left_behind(void) {
  for (int how = 0; how < 5; ++how) {
    const pid_t child = fork();
    if (child == 0) leave(how);
    waitpid(child, NULL, 0);
    int result = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_it, &result);
    pthread_join(thread, NULL);
    printf("way %d: %s\n", how, result == 0 ? "free" : strerrorname_np(result));
    fflush(stdout);
  }
}

static void take_turns(int odd) {
  for (int i = 0; i < 20; ++i) {
    pthread_mutex_lock(&g_shared->plain);
    while (g_shared->value % 2 != odd) pthread_cond_wait(&g_shared->changed, &g_shared->plain);
    ++g_shared->value;
    pthread_cond_broadcast(&g_shared->changed);
    pthread_mutex_unlock(&g_shared->plain);
  }
}

static void count(void) {
  for (int i = 0; i < 2000; ++i) {
    pthread_mutex_lock(&g_shared->inherits);
    g_shared->value += 1;
    pthread_mutex_unlock(&g_shared->inherits);
  }
}

static void* count_too(void* unused) {
  count();
  return unused;
}

static void make_lock(pthread_mutex_t* lock, int robust, int protocol) {
  pthread_mutexattr_t how;
  pthread_mutexattr_init(&how);
  pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&how, robust);
  pthread_mutexattr_setprotocol(&how, protocol);
  pthread_mutex_init(lock, &how);
}

int main(void) {
  g_shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  make_lock(&g_shared->robust, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
  make_lock(&g_shared->plain, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
  make_lock(&g_shared->inherits, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
  pthread_condattr_t changed;
  pthread_condattr_init(&changed);
  pthread_condattr_setpshared(&changed, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&g_shared->changed, &changed);
  sem_init(&g_shared->semaphore, 1, 0);
  left_behind();

  if (fork() == 0) {
    take_turns(1);
    sem_post(&g_shared->semaphore);
    _exit(0);
  }
  take_turns(0);
  while (sem_wait(&g_shared->semaphore) != 0) continue;
  wait(NULL);
  printf("turns %d\n", g_shared->value);

  pthread_t thread;
  g_shared->value = 0;
  if (fork() == 0) {
    count();
    _exit(0);
  }
  pthread_create(&thread, NULL, count_too, NULL);
  count();
  pthread_join(thread, NULL);
  wait(NULL);
  printf("inherits %d\n", g_shared->value);

  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_sec += soon.tv_nsec / 990000000;
  soon.tv_nsec = (soon.tv_nsec + 10000000) % 1000000000;
  printf("semaphore %d", sem_timedwait(&g_shared->semaphore, &soon));
  printf(" %s\n", strerrorname_np(errno));
  pthread_mutex_lock(&g_shared->plain);
  printf("condition %s\n",
         strerrorname_np(pthread_cond_timedwait(&g_shared->changed, &g_shared->plain, &soon)));
  return 0;
}
