/* SPDX-License-Identifier: MIT */
/* What the kernel calls a process and its threads: at the start, after execve of a program, a
   script, a descriptor and a file in RAM, in a new thread and in a child. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char* where) {
  char own[16] = "", process[32] = "";
  prctl(PR_GET_NAME, own);
  const int file = open("/proc/self/comm", O_RDONLY);
  if (read(file, process, sizeof process - 1) < 0) perror("comm");
  close(file);
  process[strcspn(process, "\n")] = 0;
  printf("%s: %s %s\n", where, own, process);
  fflush(stdout);
}

static pthread_barrier_t g_barrier;

static void* thread(void* unused) {
  show("thread");
  prctl(PR_SET_NAME, "a-name-that-is-too-long");
  show("renamed");
  pthread_barrier_wait(&g_barrier);
  pthread_barrier_wait(&g_barrier);
  return unused;
}

enum Way { kSame, kScript, kDescriptor, kInMemory };

static void execute(enum Way way, const char* folder) {
  char script[4096], *words[] = {"zero", "again", NULL};
  const int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  fflush(stdout);
  if (fork() != 0) {
    wait(NULL);
    close(self);
    return;
  }
  if (way == kSame) execv("/proc/self/exe", words);
  if (way == kDescriptor) {
    /* The name is that of the descriptor before Linux 6.14. */
    fexecve(self, words, environ);
  }
  if (way == kInMemory) {
    const int copy = memfd_create("in-memory", MFD_CLOEXEC);
    char bytes[65536];
    for (ssize_t size; (size = read(self, bytes, sizeof bytes)) > 0;)
      if (write(copy, bytes, (size_t)size) != size) exit(1);
    fexecve(copy, words, environ);
  }
  if (way == kScript) {
    snprintf(script, sizeof script, "%s/script", folder);
    FILE* file = fopen(script, "w");
    char target[4096] = "";
    if (readlink("/proc/self/exe", target, sizeof target - 1) < 0) exit(1);
    fprintf(file, "#!%s again\n", target);
    fclose(file);
    chmod(script, 0755);
    execv(script, words);
  }
  perror("exec");
  exit(1);
}

int main(int argc, char** argv) {
  if (argc > 1) {
    show("executed");
    return argc > 3;
  }
  (void)argv;
  show("first");
  pthread_t other;
  char name[16] = "";
  pthread_barrier_init(&g_barrier, NULL, 2);
  pthread_create(&other, NULL, thread, NULL);
  pthread_barrier_wait(&g_barrier);
  const int failed = pthread_getname_np(other, name, sizeof name);
  printf("other: %d %s\n", failed, name);
  pthread_setname_np(pthread_self(), "mine");
  show("first");
  pthread_barrier_wait(&g_barrier);
  pthread_join(other, NULL);
  fflush(stdout);
  if (fork() == 0) {
    show("child");
    return 0;
  }
  wait(NULL);
  char folder[] = "/tmp/names-XXXXXX", script[64];
  if (mkdtemp(folder) == NULL) return 1;
  for (enum Way way = kSame; way <= kInMemory; ++way) execute(way, folder);
  snprintf(script, sizeof script, "%s/script", folder);
  unlink(script);
  rmdir(folder);
  return 0;
}
