/* Ways to die with calls behind it: chains, leaves, handlers, threads; argv[1] says which. */
#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define NI __attribute__((noinline))
static volatile int zero, sink;
static char* volatile bad = (char*)0x10;
static inline __attribute__((always_inline)) int inner(char* p, int n) { return p[n] + 1; }
static inline __attribute__((always_inline)) int middle(char* p, int n) {
  return inner(p, n * 2) + 2;
}
NI int leaf(char* p, int n) { return middle(p, n) + n; }
NI int sized(int n, char* p) {
  char* b = alloca(n + 16);
  memset(b, n, n + 16);
  int r = leaf(p, n) + b[n];
  sink += b[0];
  return r;
}
NI int third(int n) {
  int r = sized(n + 1, bad) * 3;
  sink += r;
  return r;
}
NI int second(int n) {
  int a[40];
  for (int i = 0; i < 40; i++) a[i] = n + i;
  sink += a[n & 31];
  int r = third(a[3] & 7) + a[5];
  return r;
}
NI int first(int n) {
  int r = second(n) + 1;
  sink += r;
  return r;
}
NI __attribute__((noreturn)) void die(int n) {
  sink = n;
  abort();
}
NI int at_end(int n) {
  if (n) die(n);
  return 7;
}
NI int cmp(const void* a, const void* b) {
  (void)b;
  return *(int*)a + first(*(const int*)a & 3);
}
NI int sorts(int n) {
  int v[4] = {4, 3, 2, n};
  qsort(v, 4, 4, cmp);
  return v[0];
}
NI int null_call(int n) {
  int (*volatile f)(int) = (int (*)(int))(long)zero;
  int r = f(n) + 1;
  sink += r;
  return r;
}
NI int wild_call(int n) {
  int (*volatile f)(int) = (int (*)(int))(0x4141414141410000L + zero);
  int r = f(n) + 1;
  sink += r;
  return r;
}
NI int smash(int n) {
  volatile long b[2];
  for (int i = 0; i < 64 + n * 0; i++) b[i + zero] = 0x4040404040404040L;
  return b[0] + 0 * n;
}
NI int smash_caller(int n) {
  int r = smash(n) + 1;
  sink += r;
  return r;
}
NI int recurse(int n) {
  volatile char b[256];
  b[n & 255] = n;
  int r = n < 0 ? 0 : recurse(n + 1) + b[3];
  return r;
}
static void on_abort(int s) {
  (void)s;
  sink++;
  abort();
}
static void on_raise(int s) {
  sink++;
  signal(s, SIG_DFL);
  raise(s);
}
NI static void h_helper(int n) {
  sink += n;
  if (write(2, "", 0) < 0) sink++;
}
static void on_info(int s, siginfo_t* i, void* c) {
  (void)s;
  (void)c;
  h_helper(i->si_code);
  abort();
}
static void on_trap(int s, siginfo_t* i, void* c) {
  (void)s;
  (void)c;
  h_helper(i->si_code);
  __builtin_trap();
}
static void handle(void (*f)(int), void (*g)(int, siginfo_t*, void*), int stack) {
  struct sigaction a;
  memset(&a, 0, sizeof a);
  if (g)
    a.sa_sigaction = g, a.sa_flags = SA_SIGINFO;
  else
    a.sa_handler = f;
  if (stack) {
    stack_t s = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigaltstack(&s, 0);
    a.sa_flags |= SA_ONSTACK;
  }
  sigaction(SIGSEGV, &a, 0);
}
static void* in_thread(void* p) {
  sink += first(3);
  return p;
}
NI int threaded(int n) {
  pthread_t t;
  pthread_create(&t, 0, in_thread, 0);
  pthread_join(t, 0);
  return n;
}
static int died(const char* how, char** more) {
  if (!strcmp(how, "chain")) return first(2);
  if (!strcmp(how, "noreturn")) return at_end(1) + 1;
  if (!strcmp(how, "qsort")) return sorts(3) + 1;
  if (!strcmp(how, "null")) return null_call(3) + 1;
  if (!strcmp(how, "wild")) return wild_call(3) + 1;
  if (!strcmp(how, "smash")) return smash_caller(3) + 1;
  if (!strcmp(how, "recurse")) return recurse(1) + 1;
  if (!strcmp(how, "thread")) return threaded(3) + 1;
  if (!strcmp(how, "library")) {
    void* library = dlopen(more[0], RTLD_NOW);
    int (*plug)(int) = (int (*)(int))dlsym(library, "plug");
    return plug(2) + 1;
  }
  if (!strcmp(how, "abort")) handle(on_abort, 0, 0);
  if (!strcmp(how, "raise")) handle(on_raise, 0, 0);
  if (!strcmp(how, "info")) handle(0, on_info, 0);
  if (!strcmp(how, "altstack")) handle(0, on_info, 1);
  if (!strcmp(how, "trap")) handle(0, on_trap, 1);
  return first(2) + 1;
}

int main(int count, char** words) {
  sink += died(count > 1 ? words[1] : "chain", words + 2);
  return 0;
}
