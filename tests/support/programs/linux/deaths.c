// SPDX-License-Identifier: MIT
// Dies in the way that its argument names; what calls what is compared with a native run.
#define _GNU_SOURCE
#include <assert.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

static volatile int depth;
static volatile long sink;

APART static int deep(int n) {
  volatile char room[4096];
  room[0] = (char)n;
  if (depth < 0) return 0;
  return deep(n + 1) + room[0];
}
APART static void* overflow(void* p) {
  depth += deep(0);
  return p;
}
APART static void freed_twice(char* p) {
  free(p);
  free(p);
  depth++;
}
struct list {
  struct list* next;
  void (*say)(void);
};
APART static void after_free(void) {
  struct list* a = malloc(sizeof *a);
  free(a);
  struct list* b = (struct list*)((long)a->next ^ 0x5555000000000000);
  sink = (long)b->next->say;
  depth++;
}
APART static void asserted(int n) {
  assert(n == 5 && "five");
  depth++;
}
APART static void jump_to_data(void) {
  static char data[16] = {(char)0xc3};
  ((void (*)(void))(void*)data)();
  depth++;
}
APART static int past_end(const char* p) { return p[4096]; }
APART static void truncated(void) {
  char name[] = "/tmp/deathsXXXXXX";
  int fd = mkstemp(name);
  unlink(name);
  if (ftruncate(fd, 8192)) exit(3);
  char* p = mmap(0, 8192, PROT_READ, MAP_SHARED, fd, 0);
  if (ftruncate(fd, 4096)) exit(3);
  depth += past_end(p);
}
APART static void canonical(long* p) {
  sink = *p;
  depth++;
}
APART static void on_alternate(int number) {
  (void)number;
  raise(SIGABRT);
  depth++;
}
APART static void alternate(void) {
  static char stack[65536];
  stack_t how = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&how, 0);
  struct sigaction action = {.sa_handler = on_alternate, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, 0);
  raise(SIGUSR1);
  depth++;
}
APART static void from_handler(int number) {
  if (number == SIGSEGV) abort();
}
APART static void overflow_on_alternate(void) {
  static char stack[65536];
  stack_t how = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&how, 0);
  struct sigaction action = {.sa_handler = from_handler, .sa_flags = SA_ONSTACK};
  sigaction(SIGSEGV, &action, 0);
  depth += deep(0);
}
APART static void smash(volatile char* p, int size) {
  for (int i = 0; i < size; i++) p[i] = 'x';
}
__attribute__((noinline, noclone, optimize("stack-protector-all"))) static void smashed(int size) {
  char room[16];
  smash(room, size);
  depth += room[3];
}
APART static void in_library(const char* path) {
  void* handle = dlopen(path, RTLD_NOW);
  if (!handle) {
    puts(dlerror());
    exit(3);
  }
  int (*die)(int*) = (int (*)(int*))dlsym(handle, "plugin_die");
  depth += die(0);
}
APART static void child(int* p) {
  *p = 3;
  depth++;
}
APART static void forked(void) {
  pid_t pid = fork();
  if (!pid) {
    child(0);
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  printf("%d\n", WTERMSIG(status));
  exit(0);
}
APART static void executed(char** argv) {
  argv[1] = "null-write";
  execv("/proc/self/exe", argv);
  exit(3);
}
APART static int tail_3(int* p) {
  depth++;
  return *p + depth;
}
APART static int tail_2(int* p) {
  depth++;
  return tail_3(p);
}
APART static int tail_1(int* p) {
  depth++;
  return tail_2(p);
}
APART static void tails(void) {
  depth += tail_1((int*)24);
  depth++;
}
static void at_exit(void) { depth += *(int*)(sink + 24); }
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;
static int state;
APART static void* waits(void* p) {
  pthread_mutex_lock(&lock);
  state++;
  pthread_cond_broadcast(&ready);
  while (state < 1000) pthread_cond_wait(&ready, &lock);
  return p;
}
APART static void* fails(void* p) {
  pthread_mutex_lock(&lock);
  while (state < 3) pthread_cond_wait(&ready, &lock);
  pthread_mutex_unlock(&lock);
  *(int*)p = 1;
  return p;
}
APART static void crowd(void) {
  pthread_t t[4];
  for (int i = 0; i < 3; i++) pthread_create(&t[i], 0, waits, 0);
  pthread_create(&t[3], 0, fails, (void*)48);
  for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
}
static pthread_key_t key;
static void destroyed(void* p) {
  *(long*)p = 3;
  depth++;
}
APART static void* with_key(void* p) {
  pthread_setspecific(key, p);
  return p;
}
APART static void key_destructor(void) {
  pthread_t t;
  pthread_key_create(&key, destroyed);
  pthread_create(&t, 0, with_key, (void*)0x20);
  pthread_join(t, 0);
}

// As the runtime of Go does: what faulted looks as if it had called this.
__attribute__((force_align_arg_pointer)) APART static void panicked(void) {
  raise(SIGABRT);
  depth++;
}
static void as_a_call(int number, siginfo_t* info, void* context) {
  greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  (void)number, (void)info;
  registers[REG_RSP] -= 8;
  *(greg_t*)registers[REG_RSP] = registers[REG_RIP];
  registers[REG_RIP] = (greg_t)panicked;
}
APART static void faults(void* p) { depth++, sink = *(long*)p, depth++; }
static void panic(void) {
  struct sigaction action = {.sa_sigaction = as_a_call, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, 0);
  faults((void*)8);
}

// As musl begins its threads: in the new one, what it was given is gone from the stack when it
// calls.
long own_clone(void* stack, long flags, void* argument, void (*function)(void*));
__asm__(
    ".text\n.type own_clone, @function\nown_clone:\n"
    "  mov %rcx, %r9\n"
    "  and $-16, %rdi\n"
    "  sub $8, %rdi\n"
    "  mov %rdx, (%rdi)\n"
    "  xchg %rdi, %rsi\n"
    "  xor %edx, %edx\n"
    "  xor %r10d, %r10d\n"
    "  xor %r8d, %r8d\n"
    "  mov $56, %eax\n"
    "  syscall\n"
    "  test %eax, %eax\n"
    "  jnz 1f\n"
    "  xor %ebp, %ebp\n"
    "  pop %rdi\n"
    "  call *%r9\n"
    "  hlt\n"
    "1: ret\n"
    ".size own_clone, . - own_clone\n");
static void in_a_clone(void) {
  const long flags =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  char* stack = malloc(65536);
  own_clone(stack + 65536, flags, (void*)8, faults);
  pause();
}

static void unblocked(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, 0);
  raise(SIGABRT);
  depth++;
  sigprocmask(SIG_UNBLOCK, &all, 0);
}

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;
APART static void* takes_first(void* p) {
  pthread_mutex_lock(&second);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&first);
  depth++;
  return p;
}
APART static void takes_second(void) {
  pthread_mutex_lock(&first);
  pthread_barrier_wait(&both);
  puts("both have one");
  fflush(stdout);
  pthread_mutex_lock(&second);
  depth++;
}
static void deadlock(void) {
  pthread_t t;
  pthread_barrier_init(&both, 0, 2);
  signal(SIGUSR1, from_handler); /* what may be interrupted is not said to wait for ever */
  pthread_create(&t, 0, takes_first, 0);
  takes_second();
}

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "";
#define IS(name) if (!strcmp(how, name))
  IS("null-write") child(0);
  IS("thread-overflow") {
    pthread_t t;
    pthread_create(&t, 0, overflow, 0);
    pthread_join(t, 0);
  }
  IS("free-twice") freed_twice(malloc(100));
  IS("after-free") after_free();
  IS("assert") asserted(argc);
  IS("jump-data") jump_to_data();
  IS("truncated") truncated();
  IS("canonical") canonical((long*)0x1234567812345678);
  IS("alternate") alternate();
  IS("overflow-alternate") overflow_on_alternate();
  IS("smash") smashed(40);
  IS("library") in_library(argv[2]);
  IS("fork") forked();
  IS("exec") executed(argv);
  IS("tails") tails();
  IS("atexit") {
    atexit(at_exit);
    return 0;
  }
  IS("crowd") crowd();
  IS("key") key_destructor();
  IS("panic") panic();
  IS("unblocked") unblocked();
  IS("clone") in_a_clone();
  IS("deadlock") deadlock();
  printf("%d\n", depth);
  return 0;
}
