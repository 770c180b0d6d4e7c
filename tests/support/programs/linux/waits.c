/* SPDX-License-Identifier: MIT */
/* Calls that wait for another thread of the same process: writes to a pipe and to a socket that are
   full, locks of files, words in memory that is shared; and time limits of sockets. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kSize = 1 << 20 };
static char g_bytes[kSize];
static int g_ends[2];

static void said(const char* what, long result) {
  printf("%s %ld%s%s\n", what, result, result < 0 ? " " : "",
         result < 0 ? strerrorname_np(errno) : "");
}

static void* write_all(void* unused) {
  said("write", write(g_ends[1], g_bytes, kSize));
  struct iovec parts[2] = {{g_bytes, kSize / 2}, {g_bytes, kSize / 2}};
  said("writev", writev(g_ends[1], parts, 2));
  close(g_ends[1]);
  return unused;
}

static void* send_all(void* unused) {
  struct iovec part = {g_bytes, kSize};
  const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  said("write", write(g_ends[1], g_bytes, kSize));
  said("send", send(g_ends[1], g_bytes, kSize, MSG_NOSIGNAL));
  said("sendmsg", sendmsg(g_ends[1], &message, 0));
  const int file = memfd_create("bytes", 0);
  if (write(file, g_bytes, kSize) != kSize) perror("memfd");
  long sent = 0, some = 0;
  for (off_t at = 0; (some = sendfile(g_ends[1], file, &at, (size_t)(kSize - sent))) > 0;)
    sent += some;
  said("sendfile", sent);
  close(file);
  close(g_ends[1]);
  return unused;
}

static void take_all(void* (*other)(void*)) {
  pthread_t thread;
  pthread_create(&thread, NULL, other, NULL);
  unsigned long sum = 0, count = 0;
  static unsigned char taken[50000];
  for (ssize_t size; (size = read(g_ends[0], taken, sizeof taken)) > 0;)
    for (ssize_t i = 0; i < size; ++i) sum = sum * 31 + taken[i], ++count;
  close(g_ends[0]);
  pthread_join(thread, NULL);
  printf("%lu bytes, %lx\n", count, sum);
}

static sem_t g_go;
static void* wait_until_told(void* unused) {
  while (sem_wait(&g_go) != 0) continue;
  return unused;
}

static void time_limits(void) {
  pthread_t thread;
  sem_init(&g_go, 0, 0);
  pthread_create(&thread, NULL, wait_until_told, NULL);
  const struct timeval limit = {0, 20000};
  socketpair(AF_UNIX, SOCK_STREAM, 0, g_ends);
  setsockopt(g_ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(g_ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  char byte;
  said("recv", recv(g_ends[0], &byte, 1, 0));
  said("read", read(g_ends[0], &byte, 1));
  const ssize_t some = write(g_ends[0], g_bytes, kSize);
  printf("part of it: %d\n", some > 0 && some < kSize);
  said("send", send(g_ends[0], g_bytes, kSize, 0));
  close(g_ends[0]);
  close(g_ends[1]);
  sem_post(&g_go);
  pthread_join(thread, NULL);
}

static volatile int g_interrupted;
static void interrupted(int signal) { g_interrupted = signal; }
static void* run_until_interrupted(void* unused) {
  while (!g_interrupted) continue;
  return unused;
}

/* A signal of the process's is its first thread's, though another one runs. */
static void a_signal_of_the_process(void) {
  pthread_t thread;
  const struct sigaction action = {.sa_handler = interrupted};
  const struct itimerval soon = {{0, 0}, {0, 20000}};
  sigaction(SIGALRM, &action, NULL);
  pthread_create(&thread, NULL, run_until_interrupted, NULL);
  setitimer(ITIMER_REAL, &soon, NULL);
  said("pause", pause());
  pthread_join(thread, NULL);
}

/* The C library tells every thread with a signal of its own. */
static void all_threads_change_user(void) {
  pthread_t thread;
  sem_init(&g_go, 0, 0);
  pthread_create(&thread, NULL, wait_until_told, NULL);
  said("seteuid", seteuid(geteuid()));
  sem_post(&g_go);
  pthread_join(thread, NULL);
}

static int g_first, g_second;
static void* unlock(void* unused) {
  struct flock none = {.l_type = F_UNLCK};
  while (sem_wait(&g_go) != 0) continue;
  flock(g_first, LOCK_UN);
  while (sem_wait(&g_go) != 0) continue;
  fcntl(g_first, F_OFD_SETLK, &none);
  return unused;
}

static void locks_of_files(void) {
  char name[] = "/tmp/waits-XXXXXX";
  pthread_t thread;
  g_first = mkstemp(name);
  g_second = open(name, O_RDWR);
  unlink(name);
  struct flock all = {.l_type = F_WRLCK};
  sem_init(&g_go, 0, 0);
  flock(g_first, LOCK_EX);
  fcntl(g_first, F_OFD_SETLK, &all);
  said("flock", flock(g_second, LOCK_EX | LOCK_NB));
  pthread_create(&thread, NULL, unlock, NULL);
  sem_post(&g_go);
  said("flock", flock(g_second, LOCK_EX));
  said("F_OFD_SETLK", fcntl(g_second, F_OFD_SETLK, &all));
  sem_post(&g_go);
  said("F_OFD_SETLKW", fcntl(g_second, F_OFD_SETLKW, &all));
  pthread_join(thread, NULL);
}

struct Turns {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int turn;
};
static struct Turns* g_turns;

static void* every_other(void* first) {
  for (int i = 0; i < 20; ++i) {
    pthread_mutex_lock(&g_turns->lock);
    while (g_turns->turn % 2 != (first != NULL))
      pthread_cond_wait(&g_turns->changed, &g_turns->lock);
    ++g_turns->turn;
    pthread_cond_broadcast(&g_turns->changed);
    pthread_mutex_unlock(&g_turns->lock);
  }
  return NULL;
}

static void shared_words(void) {
  pthread_mutexattr_t lock;
  pthread_condattr_t changed;
  pthread_t thread;
  g_turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_init(&lock);
  pthread_condattr_init(&changed);
  pthread_mutexattr_setpshared(&lock, PTHREAD_PROCESS_SHARED);
  pthread_condattr_setpshared(&changed, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&g_turns->lock, &lock);
  pthread_cond_init(&g_turns->changed, &changed);
  pthread_create(&thread, NULL, every_other, g_turns);
  every_other(NULL);
  pthread_join(thread, NULL);
  printf("turns %d\n", g_turns->turn);
}

int main(void) {
  for (int i = 0; i < kSize; ++i) g_bytes[i] = (char)(i * i >> 7);
  if (pipe(g_ends) != 0) return 1;
  take_all(write_all);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, g_ends) != 0) return 1;
  take_all(send_all);
  time_limits();
  a_signal_of_the_process();
  all_threads_change_user();
  fflush(stdout);
  if (fork() == 0) {
    all_threads_change_user();
    return 0;
  }
  wait(NULL);
  locks_of_files();
  shared_words();
  return 0;
}
