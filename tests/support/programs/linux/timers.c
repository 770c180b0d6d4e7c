/* SPDX-License-Identifier: MIT */
/* Timers that notify a thread, and clocks of threads and processes. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static sem_t g_notified;
static void notified(union sigval value) {
  if (value.sival_int == 42) sem_post(&g_notified);
}

static siginfo_t g_info;
static void handle(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)context;
  g_info = *info;
}

static void await(int signal) {
  while (g_info.si_signo != signal) {
    const struct timespec soon = {0, 1000000};
    nanosleep(&soon, NULL);
  }
}

static void* measured(void* barrier) {
  pthread_barrier_wait(barrier);
  pthread_barrier_wait(barrier);
  return NULL;
}

int main(void) {
  const int signal = SIGRTMIN + 3;
  const struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
  const struct itimerspec often = {{0, 2000000}, {0, 2000000}}, once = {{0, 0}, {0, 2000000}};
  timer_t timer;
  sigaction(signal, &action, NULL);
  sem_init(&g_notified, 0, 0);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 42};
  event.sigev_notify_function = notified;
  printf("%d", timer_create(CLOCK_MONOTONIC, &event, &timer));
  printf("%d", timer_settime(timer, 0, &often, NULL));
  for (int i = 0; i < 5; ++i)
    while (sem_wait(&g_notified) != 0) continue;
  printf("%d\n", timer_delete(timer));

  event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
  event.sigev_value.sival_ptr = (void*)0x123456789;
  printf("%d", timer_create(CLOCK_REALTIME, &event, &timer));
  timer_settime(timer, 0, &once, NULL);
  await(signal);
  printf(" %d %p\n", g_info.si_code, g_info.si_value.sival_ptr);

  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_notify_thread_id = gettid();
  g_info.si_signo = 0;
  printf("%d", timer_create(CLOCK_MONOTONIC, &event, &timer));
  timer_settime(timer, 0, &once, NULL);
  await(signal);
  printf(" %d\n", g_info.si_code);
  event.sigev_notify_thread_id = 1;
  printf("%d", timer_create(CLOCK_MONOTONIC, &event, &timer));
  printf(" %s\n", strerrorname_np(errno));

  pthread_t thread;
  pthread_barrier_t barrier;
  clockid_t clock;
  struct timespec time;
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&thread, NULL, measured, &barrier);
  pthread_barrier_wait(&barrier);
  printf("%d", pthread_getcpuclockid(thread, &clock));
  printf("%d", clock_gettime(clock, &time));
  printf("%d", clock_getres(clock, &time));
  pthread_barrier_wait(&barrier);
  pthread_join(thread, NULL);
  printf("%d", clock_getcpuclockid(getpid(), &clock));
  printf("%d\n", clock_gettime(clock, &time));
  return 0;
}
