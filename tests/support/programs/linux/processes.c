/* SPDX-License-Identifier: MIT */
/* What processes do with memory that they share: mailboxes, locks, words to wait for. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kChildren = 3, kRounds = 400, kWords = 256, kPage = 4096 };

typedef struct {
  pthread_mutex_t lock;
  pthread_barrier_t all;
  sem_t full, empty;
  long counted, locked, seen;
  long words[kWords];
  char odd[64];
} Shared;

static Shared* g_shared;

static void* map(size_t length, int protection, int kind) {
  void* at = mmap(NULL, length, protection, kind | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) perror("mmap"), exit(2);
  return at;
}

static void child(int number) {
  Shared* s = g_shared;
  pthread_barrier_wait(&s->all);
  for (int i = 0; i < kRounds; ++i) {
    __atomic_fetch_add(&s->counted, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&s->lock);
    s->locked += number;
    for (int word = 0; word < kWords; word += 37) s->words[word] += i;
    pthread_mutex_unlock(&s->lock);
  }
  exit(number);
}

static void counters(void) {
  for (int number = 1; number <= kChildren; ++number)
    if (fork() == 0) child(number);
  int ended = 0, status;
  while (wait(&status) > 0) ended += WEXITSTATUS(status);
  long sum = 0;
  for (int word = 0; word < kWords; ++word) sum += g_shared->words[word];
  printf("counters %d %ld %ld %ld\n", ended, g_shared->counted, g_shared->locked, sum);
}

/* One hands words over to the other, by a semaphore and back. */
static void mailbox(void) {
  Shared* s = g_shared;
  if (fork() == 0) {
    long sum = 0;
    for (int i = 0; i < kRounds; ++i) {
      sem_wait(&s->full);
      for (int word = 0; word < kWords; word += 16) sum += s->words[word];
      memcpy(s->odd + i % 32, &sum, sizeof sum);
      sem_post(&s->empty);
    }
    s->seen = sum;
    exit(0);
  }
  for (int i = 0; i < kRounds; ++i) {
    sem_wait(&s->empty);
    for (int word = 0; word < kWords; ++word) *(volatile long*)&s->words[word] = i ^ word;
    sem_post(&s->full);
  }
  wait(NULL);
  printf("mailbox %ld\n", s->seen);
}

static sigjmp_buf g_back;
static void back(int number, siginfo_t* info, void* context) {
  (void)context;
  printf("signal %d code %d\n", number, info->si_code);
  siglongjmp(g_back, 1);
}

/* Other permissions, another size, another place. */
static void changed(void) {
  const struct sigaction action = {.sa_sigaction = back, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  volatile long* words = map(2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED);
  words[0] = 7;
  mprotect((void*)words, kPage, PROT_READ);
  if (sigsetjmp(g_back, 1) == 0) words[0] = 8;
  mprotect((void*)words, kPage, PROT_NONE);
  if (sigsetjmp(g_back, 1) == 0) printf("read %ld\n", words[0]);
  mprotect((void*)words, kPage, PROT_READ | PROT_WRITE);
  words[0] += 1;
  madvise((void*)words, kPage, MADV_DONTNEED);
  printf("kept %ld\n", words[0]);
  volatile long* larger = mremap((void*)words, 2 * kPage, 4 * kPage, MREMAP_MAYMOVE);
  printf("moved %ld\n", larger[0]);
  if (fork() == 0) {
    larger[kPage / sizeof *larger] = 9;
    exit(0);
  }
  wait(NULL);
  printf("both %ld\n", larger[kPage / sizeof *larger]);
  if (sigsetjmp(g_back, 1) == 0) larger[3 * kPage / sizeof *larger] = 1;
  munmap((void*)larger, 4 * kPage);
}

/* Code that one process writes and another one runs. */
static void code(void) {
  static const unsigned char kAnswer[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
  unsigned char* made = map(kPage, PROT_READ | PROT_WRITE, MAP_SHARED);
  if (fork() == 0) {
    memcpy(made, kAnswer, sizeof kAnswer);
    exit(0);
  }
  wait(NULL);
  mprotect(made, kPage, PROT_READ | PROT_EXEC);
  printf("code %d\n", ((int (*)(void))made)());
  mprotect(made, kPage, PROT_READ | PROT_WRITE);
  made[1] = 43;
  mprotect(made, kPage, PROT_READ | PROT_WRITE | PROT_EXEC);
  printf("code %d", ((int (*)(void))made)());
  made[1] = 44;
  printf(" %d\n", ((int (*)(void))made)());
}

static void sparse(void) {
  char* large = map((size_t)1 << 32, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE);
  large[(size_t)3 << 30] = 5;
  printf("sparse %d\n", large[(size_t)3 << 30] + large[kPage]);
}

int main(void) {
  g_shared = map(sizeof *g_shared, PROT_READ | PROT_WRITE, MAP_SHARED);
  pthread_mutexattr_t of_lock;
  pthread_mutexattr_init(&of_lock);
  pthread_mutexattr_setpshared(&of_lock, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&g_shared->lock, &of_lock);
  pthread_barrierattr_t of_all;
  pthread_barrierattr_init(&of_all);
  pthread_barrierattr_setpshared(&of_all, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&g_shared->all, &of_all, kChildren);
  sem_init(&g_shared->full, 1, 0);
  sem_init(&g_shared->empty, 1, 1);
  setvbuf(stdout, NULL, _IONBF, 0);
  counters();
  mailbox();
  changed();
  code();
  sparse();
  return 0;
}
