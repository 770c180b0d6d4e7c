/* A program for the live tests of the debuggers: it tags memory, says with its own LDG what the
 * tags are, waits at a checkpoint, then makes an access whose tag does not match.
 *
 * Layout: page 0 tagged, page 1 plain, page 2 tagged, one mapping each. What it prints goes to
 * standard output, one line per fact: `pages ADDRESS`, `tags ADDRESS HEX…`, `pid N`, `fault CODE ADDRESS`.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PAGE 4096
#define GRANULE 16
#define PROT_MTE_ 0x20
#define SA_EXPOSE_TAGBITS_ 0x00000800

char *volatile pages;
char *volatile wrong; /* a pointer into page 0 whose tag does not match */

static unsigned tag_of(char *address) {
  __asm__(".arch_extension memtag\n\tldg %0, [%0]" : "+r"(address));
  return (unsigned)((uintptr_t)address >> 56) & 15;
}

static void set_tag(char *address, unsigned tag) {
  char *tagged = (char *)((uintptr_t)address | (uintptr_t)tag << 56);
  __asm__ volatile(".arch_extension memtag\n\tstg %0, [%0]" : : "r"(tagged) : "memory");
}

static void say_tags(char *page) {
  printf("tags %#lx ", (unsigned long)page);
  for (int i = 0; i < PAGE / GRANULE; ++i) printf("%x", tag_of(page + i * GRANULE));
  printf("\n");
}

static void on_fault(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  printf("fault %d %#lx\n", info->si_code, (unsigned long)info->si_addr);
  fflush(stdout);
  _exit(0);
}

__attribute__((noinline)) void checkpoint(void) { __asm__ volatile(""); }

__attribute__((noinline)) uint64_t touch(char *pointer) { return *(volatile uint64_t *)pointer; }

int main(int argc, char **argv) {
  (void)argv;
  if (prctl(PR_SET_TAGGED_ADDR_CTRL, 1 | 1 << 1 | 0xfffe << 3, 0, 0, 0)) return 2;
  char *base = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return 3;
  if (mprotect(base, PAGE, PROT_READ | PROT_WRITE | PROT_MTE_)) return 4;
  if (mprotect(base + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_MTE_)) return 4;
  for (int i = 0; i < PAGE / GRANULE; ++i) {
    set_tag(base + i * GRANULE, (unsigned)(i * 7 + i / 16) & 15);
    set_tag(base + 2 * PAGE + i * GRANULE, (unsigned)(i / 4) & 15);
  }
  pages = base;
  printf("pid %d\npages %#lx\n", (int)getpid(), (unsigned long)base);
  say_tags(base);
  say_tags(base + 2 * PAGE);
  fflush(stdout);
  if (argc == 1) { /* any argument: die of the fault instead of handling it */
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_EXPOSE_TAGBITS_};
    sigaction(SIGSEGV, &action, NULL);
  }
  wrong = (char *)((uintptr_t)(base + 0x138) | (uintptr_t)((tag_of(base + 0x130) + 1) & 15) << 56);
  checkpoint();
  return (int)touch(wrong);
}
