/* SPDX-License-Identifier: MIT */
/* What clone and clone3 promise of a child, and what of it is refused. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

struct Arguments { /* struct clone_args */
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

static void nothing(int signal) { (void)signal; }

static void by_descriptor(const char* how, long child, int descriptor) {
  if (child == 0) _exit(7);
  siginfo_t info = {0};
  struct pollfd ended = {descriptor, POLLIN, 0};
  printf("%s: %d", how, poll(&ended, 1, 10000));
  printf(" %d", waitid(P_PIDFD, (id_t)descriptor, &info, WEXITED));
  printf(" %d %d %d\n", info.si_status, info.si_code, info.si_pid == child);
  fflush(stdout);
  close(descriptor);
}

static void refused(const char* what, long result) {
  const int error = errno;
  if (result == 0) _exit(0);
  printf("%s: %s\n", what, result < 0 ? strerrorname_np(error) : "made");
}

int main(void) {
  int descriptor = -1;
  struct Arguments arguments = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
  arguments.pidfd = (uint64_t)(uintptr_t)&descriptor;
  long child = syscall(SYS_clone3, &arguments, sizeof arguments);
  by_descriptor("clone3", child, descriptor);
  child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &descriptor, 0, 0);
  by_descriptor("clone", child, descriptor);

  signal(SIGUSR1, nothing);
  signal(SIGUSR2, SIG_IGN);
  arguments = (struct Arguments){.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
  child = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) {
    struct sigaction handled, ignored;
    sigaction(SIGUSR1, NULL, &handled);
    sigaction(SIGUSR2, NULL, &ignored);
    _exit((handled.sa_handler == SIG_DFL) + 2 * (ignored.sa_handler == SIG_IGN));
  }
  int status = 0;
  waitpid((pid_t)child, &status, 0);
  printf("handlers: %d\n", WEXITSTATUS(status));

  arguments = (struct Arguments){.flags = UINT64_C(1) << 40, .exit_signal = SIGCHLD};
  refused("an unknown flag", syscall(SYS_clone3, &arguments, sizeof arguments));
  refused("handlers without memory", syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
  refused("a thread without memory", syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0));
  return 0;
}
