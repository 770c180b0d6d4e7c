/* SPDX-License-Identifier: MIT */
/* Contains an instruction outside the subset, which is reached only with an argument. */
#include "mtetso_guest.h"

__attribute__((noinline)) static uint64_t with_cpuid(void) {
  uint32_t a = 0, b, c, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
  return a;
}

int main(int argc, char** argv) {
  print("contained\n");
  if (argument_or(argc, argv, 0) != 0) print_number("reached ", with_cpuid() != 0, "\n");
  return 0;
}
