// What programs do with threads, signals and numbers in C.
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { kThreads = 4, kRounds = 300 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_spinlock_t spin;
static pthread_key_t key;
static sem_t ready;
static atomic_int destroyed, spun;
static _Thread_local int own = 7;
static long counted, written;

static void destroy(void* value) { destroyed += value != NULL; }

static void* work(void* argument) {
  const long number = (long)argument;
  pthread_setspecific(key, &own);
  for (int i = 0; i < kRounds; i++) {
    pthread_mutex_lock(&mutex);
    counted++;
    pthread_mutex_unlock(&mutex);
    if (i % 10 == number) {
      pthread_rwlock_wrlock(&lock);
      written++;
      pthread_rwlock_unlock(&lock);
    }
    pthread_spin_lock(&spin);
    spun++;
    pthread_spin_unlock(&spin);
    own++;
  }
  pthread_barrier_wait(&barrier);
  sem_post(&ready);
  return (void*)(number * 10 + own);
}

static void* endless(void* unused) {
  (void)unused;
  for (;;) pause();
}

static sigjmp_buf back;
static volatile sig_atomic_t last_signal;

static void jump(int signal) {
  last_signal = signal;
  siglongjmp(back, 1);
}

static void note(int signal, siginfo_t* information, void* context) {
  (void)context;
  last_signal = signal * 1000 + information->si_value.sival_int;
}

static void numbers(void) {
  volatile double two = 2, angle = 0.7;
  volatile long double wide = 1.0L / 3;
  printf("%.17g %.17g %.17g %.17g\n", sqrt(two), sin(angle), exp(angle), pow(two, angle));
  printf("%.20Lg %La %.20Lg\n", wide, wide, sqrtl(wide));
  printf("%.18Lg %.18Lg %.18Lg %.18Lg\n", sinl(wide), expl(wide), logl(wide), atan2l(wide, 2));
  printf("%g %g %a %d\n", strtod("1e-310", NULL), strtod("inf", NULL), nextafter(1, 2),
         (int)lrint(2.5));
}

// What the C library asks the kernel about a thread, and its stack, in whole MiB.
static void* ask(void* name) {
  pthread_attr_t about;
  void* low = NULL;
  size_t size = 0;
  const int unknown = pthread_getattr_np(pthread_self(), &about);
  if (unknown == 0) pthread_attr_getstack(&about, &low, &size);
  int policy = -1;
  struct sched_param parameters = {.sched_priority = -1};
  const int no_policy = pthread_getschedparam(pthread_self(), &policy, &parameters);
  cpu_set_t processors;
  const int none = pthread_getaffinity_np(pthread_self(), sizeof processors, &processors);
  const int own_address = (char*)&about >= (char*)low && (char*)&about < (char*)low + size;
  printf("%s: %d %d %zu, %d %d %d, %d %d\n", (char*)name, unknown, own_address,
         (size + (1 << 19)) >> 20, no_policy, policy, parameters.sched_priority, none,
         none == 0 && CPU_COUNT(&processors) > 0);
  return name;
}

int main(void) {
  pthread_t threads[kThreads];
  ask("main");
  pthread_create(&threads[0], NULL, ask, "thread");
  pthread_join(threads[0], NULL);
  pthread_barrier_init(&barrier, NULL, kThreads);
  pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
  pthread_key_create(&key, destroy);
  sem_init(&ready, 0, 0);
  for (long i = 0; i < kThreads; i++) pthread_create(&threads[i], NULL, work, (void*)i);
  for (int i = 0; i < kThreads; i++) sem_wait(&ready);
  long sum = 0;
  for (int i = 0; i < kThreads; i++) {
    void* result;
    pthread_join(threads[i], &result);
    sum += (long)result;
  }
  printf("counted %ld written %ld spun %d destroyed %d sum %ld own %d\n", counted, written,
         (int)spun, (int)destroyed, sum, own);

  pthread_create(&threads[0], NULL, endless, NULL);
  pthread_cancel(threads[0]);
  void* result;
  pthread_join(threads[0], &result);
  printf("canceled %d\n", result == PTHREAD_CANCELED);

  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec = soon.tv_nsec < 990000000 ? soon.tv_nsec + 5000000 : soon.tv_nsec;
  printf("timed out: %s\n",
         strerrorname_np(sem_clockwait(&ready, CLOCK_REALTIME, &soon) ? errno : 0));

  struct sigaction action = {.sa_handler = jump};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGFPE, &action, NULL);
  if (sigsetjmp(back, 1) == 0) *(volatile int*)16 = 1;
  printf("signal %d\n", (int)last_signal);
  volatile int zero = 0;
  if (sigsetjmp(back, 1) == 0) printf("%d\n", 1 / zero);
  printf("signal %d\n", (int)last_signal);
  action = (struct sigaction){.sa_sigaction = note, .sa_flags = SA_SIGINFO};
  sigaction(SIGRTMIN + 1, &action, NULL);
  sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 42});
  printf("signal %d\n", last_signal - SIGRTMIN * 1000);

  numbers();
  return 5;
}
