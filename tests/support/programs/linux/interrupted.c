// SPDX-License-Identifier: MIT
// Signals of the process while another thread blocks them all, and waits or computes: the thread
// that lets them in is interrupted, whatever it waits for.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t came;
static sem_t posted, never;
static int never_written[2];
static volatile int stop;

static void on_signal(int number) {
  (void)number;
  ++came;
  sem_post(&posted);
}

static void handle(int number, int flags) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
  sigaction(number, &action, NULL);
}

static void* waits(void* nothing) {
  struct pollfd one = {never_written[0], POLLIN, 0};
  poll(&one, 1, -1);
  return nothing;
}

static void* computes(void* nothing) {
  while (!stop) {
  }
  return nothing;
}

static pthread_t begin(void* (*function)(void*)) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  pthread_create(&thread, NULL, function, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return thread;
}

static pid_t child(void) {
  const pid_t pid = fork();
  if (pid == 0) _exit(7);
  return pid;
}

// Again and again: the first may come before there is anything to interrupt.
static void alarm_soon(void) {
  const struct itimerval often = {{0, 20000}, {0, 20000}};
  setitimer(ITIMER_REAL, &often, NULL);
}

static void alarm_off(void) {
  const struct itimerval off = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &off, NULL);
}

static void reap(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  printf("child %d, signals %d\n", WEXITSTATUS(status), (int)came);
  came = 0;
}

// The result of what was interrupted, and whether the handler has run.
static void said(const char* what, int result) {
  const char* error = result < 0 ? strerror(errno) : "-";
  alarm_off();
  printf("%s: %d %s, %s\n", what, result, error, came != 0 ? "handled" : "not handled");
  came = 0;
  while (sem_trywait(&posted) == 0) {
  }
}

static void rounds(void) {
  pid_t pid = child();
  while (sem_wait(&posted) != 0) {
  }
  reap(pid);

  handle(SIGALRM, 0);  // without SA_RESTART
  alarm_soon();
  said("sem_wait", sem_wait(&never));
  alarm_soon();
  struct timespec limit = {2000000000, 0};
  said("sem_timedwait", sem_timedwait(&never, &limit));
  handle(SIGALRM, SA_RESTART);
  alarm_soon();
  said("sem_timedwait, restarting", sem_timedwait(&never, &limit));
  alarm_soon();
  said("sem_wait, restarting", sem_wait(&posted));
  alarm_soon();
  char byte;
  handle(SIGALRM, 0);
  said("read", (int)read(never_written[0], &byte, 1));

  // Let in by the calls alone.
  sigset_t alarms, before;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  sigprocmask(SIG_BLOCK, &alarms, &before);
  alarm_soon();
  struct pollfd one = {never_written[0], POLLIN, 0};
  said("ppoll", ppoll(&one, 1, NULL, &before));
  alarm_soon();
  fd_set set;
  FD_ZERO(&set);
  FD_SET(never_written[0], &set);
  said("pselect", pselect(never_written[0] + 1, &set, NULL, NULL, NULL, &before));
  alarm_soon();
  const int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(epoll, EPOLL_CTL_ADD, never_written[0], &event);
  said("epoll_pwait", epoll_pwait(epoll, &event, 1, -1, &before));
  close(epoll);
  alarm_soon();
  said("sigsuspend", sigsuspend(&before));
  alarm_soon();
  int number = 0;
  sigwait(&alarms, &number);
  said("sigwait", number);
  const struct timespec none = {0, 0};
  while (sigtimedwait(&alarms, NULL, &none) > 0) {
  }
  sigset_t now;
  sigprocmask(SIG_SETMASK, &before, &now);
  printf("blocked afterwards: %d\n", sigismember(&now, SIGALRM));
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  sem_init(&posted, 0, 0);
  sem_init(&never, 0, 0);
  if (pipe(never_written) != 0) return 1;
  handle(SIGCHLD, SA_RESTART);
  rounds();  // alone
  pthread_t thread = begin(waits);
  rounds();
  if (write(never_written[1], "x", 1) != 1) return 1;
  pthread_join(thread, NULL);
  char byte;
  if (read(never_written[0], &byte, 1) != 1) return 1;
  thread = begin(computes);
  rounds();
  stop = 1;
  pthread_join(thread, NULL);
  return 0;
}
