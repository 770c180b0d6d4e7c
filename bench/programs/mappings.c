/* A tagged mapping with ABOVE mappings at higher addresses and BELOW at lower ones, so that it
 * comes after BELOW others in /proc/PID/smaps; `visit` gets a pointer to it HITS times. */
#include "mte.h"

__attribute__((noinline)) void visit(char* pointer) { __asm__ volatile("" ::"r"(pointer)); }

/* Neighbours with different permissions stay two mappings. */
static void map_some(int count) {
  for (int i = 0; i < count; ++i) {
    int access = i % 2 ? PROT_READ | PROT_WRITE : PROT_READ;
    char* memory = mmap(NULL, 2 * MTE_PAGE, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) exit(1);
    if (access & PROT_WRITE) memory[0] = 1;
  }
}

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  mte_enable(PR_MTE_TCF_SYNC);
  map_some(atoi(argv[1]));
  char* memory = mte_map(MTE_PAGE);
  map_some(atoi(argv[2]));
  mte_set(memory, 3);
  char* pointer = mte_with_tag(memory, 3);
  for (int i = atoi(argv[3]); i > 0; --i) visit(pointer);
  return 0;
}
