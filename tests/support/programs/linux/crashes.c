// SPDX-License-Identifier: MIT
// Dies in the way that its argument names; what calls what is compared with a native run.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct node {
  struct node* next;
  long value;
};
static volatile int depth;

__attribute__((noinline)) static long walk(struct node* n, int left) {
  long sum = 0;
  while (left-- > 0) {
    sum += n->value;
    n = n->next;
  }
  return sum;
}
__attribute__((noinline)) static int compare(const void* a, const void* b) {
  const struct node *x = *(struct node*const*)a, *y = *(struct node*const*)b;
  return (int)(walk((struct node*)x, 1) - walk((struct node*)y, 1));
}
__attribute__((noinline)) static void sorted(void) {
  struct node one = {0, 1}, two = {0, 2};
  struct node* all[4] = {&one, &two, (void*)0x1230, &one};
  qsort(all, 4, sizeof *all, compare);
}
__attribute__((noinline)) static void null_call(void (*f)(void)) {
  f();
  depth++;
}
__attribute__((noinline)) static void* thread(void* p) {
  depth += (int)walk(p, 3);
  return p;
}
__attribute__((noinline)) static void handler(int number) {
  depth += (int)walk((void*)(long)number, 1);
}
__attribute__((noinline)) static void interrupted(void) {
  raise(SIGUSR1);
  depth++;
}
__attribute__((noinline)) static void faulting(int* p) {
  *p = 1;
  depth++;
}
__attribute__((noinline)) static int deep(int n) {
  volatile char room[4096];
  room[0] = (char)n;
  if (depth < 0) return 0;
  return deep(n + 1) + room[0];
}
__attribute__((noinline)) static void copy(char* to) {
  memcpy(to,
         "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
         "90123456789012345678901234567890123456789012345678901234567890123456789",
         (size_t)(150 + depth));
  depth++;
}
__attribute__((noinline)) static void die(void) {
  depth++;
  abort();
}
__attribute__((noinline)) static void divide(int by) {
  depth = 7 / by;
  depth++;
}
__attribute__((noinline)) static void illegal(void) { __builtin_trap(); }

__attribute__((noinline)) static void registers(void) {
  asm volatile(
      "movabs $0x1122334455667788, %%r12\n"
      "movq %%r12, %%xmm7\n"
      "pshufd $0x4e, %%xmm7, %%xmm7\n"
      "fldpi\n"
      "movl $1, 0x10\n"
      "fstp %%st(0)\n" ::
          : "r12", "xmm7", "st", "memory");
}

// What no processor of x86-64-v1 has, and many others have.
__attribute__((noinline)) static void newer(void) { asm volatile("phaddw %xmm0, %xmm1"); }

__attribute__((noinline)) static void without_call(void) {
  syscall(134);  // uselib
  abort();
}

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "";
  struct node one = {0, 1};
  if (!strcmp(how, "walk")) depth += (int)walk(&one, 3);
  if (!strcmp(how, "qsort")) sorted();
  if (!strcmp(how, "null")) null_call(0);
  if (!strcmp(how, "thread")) {
    pthread_t t;
    pthread_create(&t, 0, thread, &one);
    pthread_join(t, 0);
  }
  if (!strcmp(how, "handler")) {
    signal(SIGUSR1, handler);
    interrupted();
  }
  if (!strcmp(how, "fault-handler")) {
    signal(SIGSEGV, handler);
    faulting((int*)16);
  }
  if (!strcmp(how, "registers")) {
    signal(SIGSEGV, handler);
    registers();
  }
  if (!strcmp(how, "overflow")) depth += deep(0);
  if (!strcmp(how, "memcpy")) copy((char*)64);
  if (!strcmp(how, "abort")) die();
  if (!strcmp(how, "divide")) divide(argc - 2);
  if (!strcmp(how, "illegal")) illegal();
  if (!strcmp(how, "newer")) newer();
  if (!strcmp(how, "without-call")) without_call();
  printf("%d\n", depth);
  return 0;
}
