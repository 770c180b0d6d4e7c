// SPDX-License-Identifier: MIT
//
// Jobs in a terminal, as a shell has them: a session of its own, process groups, the foreground
// group, and the keys that send signals.
#define _GNU_SOURCE
#include <fcntl.h>

#include "raw.h"

enum { INT = 2, CONT = 18, TSTP = 20, TTOU = 22 };
enum { NO_HANG = 1, UNTRACED = 2, CONTINUED = 8 };
enum {
  TCGETS = 0x5401,
  TCSETS,
  TIOCSCTTY = 0x540E,
  TIOCGPGRP,
  TIOCSPGRP,
  TIOCGWINSZ = 0x5413,
  TIOCSWINSZ,
  TIOCGPTN = (int)0x80045430,
  TIOCSPTLCK = 0x40045431
};

struct termios {
  unsigned input, output, control, local;
  unsigned char line, characters[19];
};

static volatile int interrupts;
static void interrupted(int signal) {
  (void)signal;
  ++interrupts;
}

static void await(const char* what, word pid, int options) {
  int status = -1;
  const word got = CALL(wait4, pid, &status, options, 0);
  say(what);
  show("  waited", got == pid);
  show("  status", status);
}

// A job in a group of its own, in the foreground of the terminal; it says when it is.
static word start_job(int terminal, int ready, int handles) {
  const word child = CALL(fork);
  if (child != 0) {
    CALL(setpgid, child, child);
    return child;
  }
  CALL(setpgid, 0, 0);
  handle(TTOU, (void*)1, 0, 0);
  const int group = (int)CALL(getpid);
  CALL(ioctl, terminal, TIOCSPGRP, &group);
  // Blocked until it waits: one that comes in between would not end the wait.
  const unsigned long blocked = 1ul << (INT - 1), none = 0;
  if (handles) CALL(rt_sigprocmask, 0, &blocked, 0, 8);
  if (handles) handle(INT, interrupted, 0, 0);
  CALL(write, ready, "r", 1);
  while (interrupts == 0) CALL(rt_sigsuspend, &none, 8);
  leave(interrupts);
}

static int shell(int master, int terminal) {
  int ready[2], group = 0;
  char byte;
  CALL(pipe, ready);
  handle(TTOU, (void*)1, 0, 0);
  struct termios state;
  show("TCGETS", CALL(ioctl, terminal, TCGETS, &state));
  show("  canonical", (state.local & 2) != 0);
  state.local &= ~8u;  // ECHO
  show("TCSETS", CALL(ioctl, terminal, TCSETS, &state));
  unsigned short size[4] = {24, 80, 0, 0}, now[4] = {0, 0, 0, 0};
  show("TIOCSWINSZ", CALL(ioctl, master, TIOCSWINSZ, size));
  show("TIOCGWINSZ", CALL(ioctl, terminal, TIOCGWINSZ, now));
  show("  columns", now[1]);
  CALL(ioctl, terminal, TIOCGPGRP, &group);
  show("foreground", group == CALL(getpid));

  word job = start_job(terminal, ready[1], 1);
  CALL(read, ready[0], &byte, 1);
  CALL(ioctl, terminal, TIOCGPGRP, &group);
  show("the job's", group == job);
  CALL(write, master, "\003", 1);
  await("interrupted, handled", job, 0);

  job = start_job(terminal, ready[1], 0);
  CALL(read, ready[0], &byte, 1);
  CALL(write, master, "\032", 1);
  await("stopped", job, UNTRACED);
  show("continue", CALL(kill, -job, CONT));
  await("continued", job, CONTINUED);
  show("still there", CALL(wait4, job, 0, NO_HANG, 0));
  CALL(write, master, "\003", 1);
  await("interrupted", job, 0);
  const int own = (int)CALL(getpid);
  show("back", CALL(ioctl, terminal, TIOCSPGRP, &own));
  CALL(write, master, "line\n", 5);
  char line[16];
  show("read", CALL(read, terminal, line, sizeof line));
  return 4;
}

int run(int argc, char** argv, char** envp) {
  (void)argc, (void)argv, (void)envp;
  const int master = (int)CALL(open, "/dev/ptmx", O_RDWR | O_NOCTTY);
  int number = -1;
  const int unlock = 0;
  show("unlock", CALL(ioctl, master, TIOCSPTLCK, &unlock));
  show("number", CALL(ioctl, master, TIOCGPTN, &number));
  char path[] = "/dev/pts/\0\0\0\0";
  size_t at = 9;
  if (number >= 100) path[at++] = (char)('0' + number / 100);
  if (number >= 10) path[at++] = (char)('0' + number / 10 % 10);
  path[at] = (char)('0' + number % 10);
  const word child = CALL(fork);
  if (child == 0) {
    CALL(setsid);
    const int terminal = (int)CALL(open, path, O_RDWR);
    show("control", CALL(ioctl, terminal, TIOCSCTTY, 0));
    leave(shell(master, terminal));
  }
  await("the session", child, 0);
  return 0;
}
