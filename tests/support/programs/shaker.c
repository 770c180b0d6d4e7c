/* SPDX-License-Identifier: MIT */
/* Runs a program and moves its threads from processor to processor all the while:
 *
 *   shaker SEED MICROSECONDS PROGRAM [ARGUMENT...]
 *
 * Every so many microseconds each of the program's threads is bound to one processor, drawn anew: a
 * thread that runs there now or on another one is moved wherever it is, in the middle of anything.
 * The last line of standard output is "shaken N": how often a thread was bound. Its status is the
 * program's. */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned long seed;

static int drawn(int below) {
  seed = seed * 6364136223846793005UL + 1442695040888963407UL;
  return (int)((seed >> 33) % (unsigned long)below);
}

/* Binds each thread of a process to a processor. How many there were. */
static unsigned long shake(pid_t process, int processors) {
  char name[64];
  snprintf(name, sizeof name, "/proc/%d/task", process);
  DIR* tasks = opendir(name);
  if (tasks == NULL) return 0;
  unsigned long moved = 0;
  for (struct dirent* entry; (entry = readdir(tasks)) != NULL;) {
    int tid = atoi(entry->d_name);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(drawn(processors), &set);
    if (tid > 0 && sched_setaffinity(tid, sizeof set, &set) == 0) ++moved;
  }
  closedir(tasks);
  return moved;
}

int main(int argc, char** argv) {
  if (argc < 4) {
    fputs("shaker SEED MICROSECONDS PROGRAM [ARGUMENT...]\n", stderr);
    return 64;
  }
  seed = strtoul(argv[1], NULL, 10);
  const long period = strtol(argv[2], NULL, 10);
  const int processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
  pid_t child = fork();
  if (child == 0) {
    execv(argv[3], argv + 3);
    perror(argv[3]);
    _exit(127);
  }
  struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
  if (child < 0 || ended.fd < 0) {
    perror("shaker");
    return 71;
  }
  const struct timespec wait = {period / 1000000, period % 1000000 * 1000};
  unsigned long moved = 0;
  while (ppoll(&ended, 1, &wait, NULL) == 0) moved += shake(child, processors);
  int status = 0;
  waitpid(child, &status, 0);
  printf("shaken %lu\n", moved);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
