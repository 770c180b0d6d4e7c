/* For debuggers: tagged, plain, untouched and inaccessible memory side by side; a checkpoint; then
 * an access whose tag does not match.
 *
 *   gdb_target [die|wait]
 *
 * The SIGSEGV is handled, says what it was told, and ends the program; with `die` it kills. With
 * `wait` the program runs for ever instead. */
#include "mte.h"

enum { granules = MTE_PAGE / MTE_GRANULE, victim = 19 };

char* volatile memory; /* tagged, plain, tagged, tagged and untouched, tagged and inaccessible */
char* volatile wrong;  /* into the first page, with a tag that does not match */

static void on_fault(int number, siginfo_t* info, void* context) {
  (void)context;
  mte_say("signal", (uintptr_t)number);
  mte_say("code", (uintptr_t)info->si_code);
  mte_say("si_addr", (uintptr_t)info->si_addr);
  _exit(0);
}

static void handle_faults(void) {
  const int expose_tag_bits = 0x800;
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | expose_tag_bits};
  sigaction(SIGSEGV, &action, NULL);
}

__attribute__((noinline)) void checkpoint(void) { __asm__ volatile(""); }

__attribute__((noinline)) void fault(void) { mte_load8(wrong); }

int main(int argc, char** argv) {
  mte_enable(PR_MTE_TCF_SYNC);
  memory = mte_map(5 * MTE_PAGE);
  char* third = memory + 2 * MTE_PAGE;
  if (mmap(memory + MTE_PAGE, MTE_PAGE, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ||
      mprotect(memory + 4 * MTE_PAGE, MTE_PAGE, MTE_PROT)) {
    perror("mmap");
    return 1;
  }
  for (int i = 0; i < granules; ++i) {
    mte_set(memory + i * MTE_GRANULE, (unsigned)(i * 7 + i / 16) & 15);
    mte_set(third + i * MTE_GRANULE, (unsigned)(i / 4) & 15);
  }
  char* inside = memory + victim * MTE_GRANULE;
  wrong = mte_with_tag(inside + 8, mte_get(inside) ^ 1);
  mte_say("pid", (uintptr_t)getpid());
  mte_say("memory", (uintptr_t)memory);
  mte_say_tags("first", memory, granules);
  mte_say_tags("third", third, granules);
  mte_say("pointer", (uintptr_t)wrong);
  if (argc == 1) handle_faults();
  checkpoint();
  while (argc > 1 && !strcmp(argv[1], "wait")) pause();
  fault();
  return 0;
}
