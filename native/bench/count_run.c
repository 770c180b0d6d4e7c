// SPDX-License-Identifier: MIT
//
// Runs a program between two of the marks that count_plugin.c knows, and says where its code was.
// Usage: count_run PROGRAM [ARGUMENT…], in a VM with that plugin.
//
// Prints a line "map BEGIN END NAME" for each executable mapping that the program has at its end,
// and "status S" with its exit status; the program's own output goes nowhere.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void mark(void) { __asm__ volatile("hint #120" ::: "memory"); }

static void start(char** argv) {
  const int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0) _exit(126);
  // Each program at the same addresses: QEMU keeps what it has translated of a library by where it
  // lay when it was first run.
  if (personality(ADDR_NO_RANDOMIZE) < 0) _exit(126);
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(126);
  raise(SIGSTOP);
  execv(argv[0], argv);
  _exit(127);
}

static void print_maps(pid_t pid) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
  FILE* maps = fopen(path, "r");
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    unsigned long begin, end;
    char rights[8] = "", name[256] = "-";
    sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &begin, &end, rights, name);
    if (rights[2] == 'x') printf("map %lx %lx %s\n", begin, end, name);
  }
  if (maps != NULL) fclose(maps);
}

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  const pid_t child = fork();
  if (child == 0) start(argv + 1);
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return 1;
  if (ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC) != 0)
    return 1;
  mark();
  // Its threads are not traced: the exit that is waited for is the first thread's.
  for (int signal = 0;;) {
    ptrace(PTRACE_CONT, child, NULL, signal);
    if (waitpid(child, &status, 0) != child) return 1;
    if (!WIFSTOPPED(status)) break;
    signal = WSTOPSIG(status);
    if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
      mark();
      print_maps(child);
    }
    if (signal == SIGTRAP) signal = 0;
  }
  printf("status %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  return 0;
}
