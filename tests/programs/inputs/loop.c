/* Does nothing so often, in a loop of three instructions. */
#include <stdlib.h>

int main(int argc, char** argv) {
  long left = argc > 1 ? atol(argv[1]) : 1;
  long sum = 0;
  __asm__ volatile("1: add %0, %1\n dec %0\n jnz 1b" : "+r"(left), "+r"(sum) : : "cc");
  return 0;
}
