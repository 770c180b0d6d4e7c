// SPDX-License-Identifier: MIT
//
// Processes: fork, pipes, wait, groups, execve of itself and of a script, vfork, and how they end.
#define _GNU_SOURCE
#include <fcntl.h>

#include "raw.h"

enum { CHLD = 17, TERM = 15, PIPE = 13, ALRM = 14 };

static volatile int children, ticks;
static void ended(int signal) {
  (void)signal;
  ++children;
}
static void tick(int signal) {
  (void)signal;
  ++ticks;
}

static void await(const char* what, word pid) {
  int status = -1;
  const word got = CALL(wait4, pid, &status, 0, 0);
  say(what);
  show("  waited", got == pid);
  show("  status", status);
}

// A function that the child and the parent run both: its code is each one's own.
__attribute__((noinline)) static word sum(const word* from, int count) {
  word all = 0;
  for (int i = 0; i < count; ++i) all += from[i];
  return all;
}

static int equal(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

static int executed(int argc, char** argv, char** envp) {
  show("arguments", argc);
  for (int i = 1; i < argc; ++i) say(argv[i]);
  say(argv[0]);
  for (int i = 0; envp[i] != 0; ++i) say(envp[i]);
  unsigned long mask = 0;
  CALL(rt_sigprocmask, 0, 0, &mask, 8);
  show("mask", (word)mask);
  struct raw_action action;
  CALL(rt_sigaction, PIPE, 0, &action, 8);
  show("ignored", action.handler == (void*)1);
  CALL(rt_sigaction, CHLD, 0, &action, 8);
  show("default", action.handler == 0);
  return 5;
}

static void make_file(const char* path, const char* text, unsigned mode) {
  const word fd = CALL(open, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  CALL(write, fd, text, length(text));
  CALL(close, fd);
}

int run(int argc, char** argv, char** envp) {
  if (argc > 1 && equal(argv[1], "--executed")) return executed(argc, argv, envp);
  if (argc < 3) return 2;
  CALL(chdir, argv[1]);
  const char* self = argv[2];
  const word pid = CALL(getpid);
  word data[100];
  for (int i = 0; i < 100; ++i) data[i] = i;
  show("sum", sum(data, 100));

  handle(CHLD, ended, RESTART, 0);
  int ends[2];
  CALL(pipe, ends);
  word child = CALL(fork);
  if (child == 0) {
    for (int i = 0; i < 100; ++i) data[i] = 2 * i;
    const word result[3] = {sum(data, 100), CALL(getppid) == pid, CALL(getpid) == CALL(gettid)};
    CALL(write, ends[1], result, sizeof result);
    leave(3);
  }
  word answer[3] = {0, 0, 0};
  show("read", CALL(read, ends[0], answer, sizeof answer));
  show("the child's sum", answer[0]);
  show("its parent", answer[1]);
  show("its thread", answer[2]);
  await("exit 3", child);
  show("SIGCHLD", children);
  show("sum", sum(data, 100));

  child = CALL(fork);
  if (child == 0) {
    for (;;) CALL(pause);
  }
  CALL(kill, child, TERM);
  await("SIGTERM", child);
  show("no child", CALL(wait4, -1, 0, 0, 0));

  child = CALL(fork);
  if (child == 0) {
    __asm__ volatile("mov 0x10, %%rax" ::: "rax");
  }
  int status = -1;
  CALL(wait4, child, &status, 0, 0);
  show("SIGSEGV", status & 0x7f);

  // A child of a child, and the pipe between them.
  child = CALL(fork);
  if (child == 0) {
    const word grandchild = CALL(fork);
    if (grandchild == 0) leave(CALL(write, ends[1], "grandchild", 10) == 10 ? 7 : 8);
    int how = 0;
    CALL(wait4, grandchild, &how, 0, 0);
    leave(how >> 8);
  }
  char text[16];
  show("read", CALL(read, ends[0], text, 10));
  await("exit 7", child);

  show("setpgid", CALL(setpgid, 0, 0) == 0 || 1);
  child = CALL(fork);
  if (child == 0) {
    CALL(setsid);
    leave(CALL(getpgrp) == CALL(getpid) && CALL(getsid, 0) == CALL(getpid) ? 0 : 1);
  }
  await("session", child);

  // A read that a handler with SA_RESTART interrupts is made again.
  handle(ALRM, tick, RESTART, 0);
  child = CALL(fork);
  if (child == 0) {
    const long while_it[2] = {0, 100000000};
    CALL(nanosleep, while_it, 0);
    CALL(write, ends[1], "x", 1);
    leave(0);
  }
  const long timer[4] = {0, 0, 0, 20000};
  CALL(setitimer, 0, timer, 0);
  show("read", CALL(read, ends[0], text, 1));
  show("ticks", ticks);
  await("exit 0", child);

  make_file("script", "#!interpreter -x\n", 0755);
  make_file("text", "echo\n", 0755);
  make_file("data", "data", 0644);
  CALL(symlink, self, "interpreter");
  char* arguments[] = {"zero", "--executed", "one", "", "three", 0};
  char* environment[] = {"A=1", "B=", 0};
  show("execve missing", CALL(execve, "missing", arguments, environment));
  show("execve data", CALL(execve, "data", arguments, environment));
  show("execve text", CALL(execve, "text", arguments, environment));
  show("execve folder", CALL(execve, ".", arguments, environment));
  child = CALL(fork);
  if (child == 0) {
    const unsigned long mask = 1ul << (TERM - 1);
    CALL(rt_sigprocmask, 2, &mask, 0, 8);
    handle(PIPE, (void*)1, 0, 0);
    leave((int)-CALL(execve, self, arguments, environment));
  }
  await("execve", child);
  make_file("script", "#!interpreter --executed\n", 0755);
  child = CALL(vfork);
  if (child == 0) leave((int)-CALL(execve, "script", arguments, environment));
  await("script", child);

  // What a child of vfork writes to its parent's stack, as posix_spawn's does with its error.
  volatile word error = 0;
  child = CALL(vfork);
  if (child == 0) {
    error = -CALL(execve, "missing", arguments, environment);
    leave(127);
  }
  show("error", error);
  await("exit 127", child);
  return 0;
}
