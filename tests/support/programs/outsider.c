/* SPDX-License-Identifier: MIT */
/* Runs a program, and when that has written "ready" takes each of its threads away from the
 * processor that it is bound to, then writes a byte to it: outsider PROGRAM [ARGUMENT...]. What it
 * writes is passed on; the last line is "moved N". Its status is the program's. */
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Binds each thread that is bound to one processor to the next one. How many there were. */
static int move_all(pid_t process) {
  const int processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
  char name[64];
  snprintf(name, sizeof name, "/proc/%d/task", process);
  DIR* tasks = opendir(name);
  int moved = 0;
  for (struct dirent* entry; tasks != NULL && (entry = readdir(tasks)) != NULL;) {
    const int tid = atoi(entry->d_name);
    cpu_set_t set;
    if (tid <= 0 || sched_getaffinity(tid, sizeof set, &set) != 0 || CPU_COUNT(&set) != 1) continue;
    int now = 0;
    while (!CPU_ISSET(now, &set)) ++now;
    CPU_ZERO(&set);
    CPU_SET((now + 1) % processors, &set);
    if (sched_setaffinity(tid, sizeof set, &set) == 0) ++moved;
  }
  return moved;
}

int main(int argc, char** argv) {
  int to[2], from[2];
  if (argc < 2 || pipe(to) != 0 || pipe(from) != 0) return 64;
  const pid_t child = fork();
  if (child == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    for (int i = 0; i < 2; ++i) close(to[i]), close(from[i]);
    execv(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  char line[256];
  int moved = 0;
  for (FILE* lines = fdopen(from[0], "r"); fgets(line, sizeof line, lines) != NULL;) {
    fputs(line, stdout);
    if (strcmp(line, "ready\n") != 0) continue;
    moved = move_all(child);
    if (write(to[1], "x", 1) != 1) return 65;
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("moved %d\n", moved);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 66;
}
