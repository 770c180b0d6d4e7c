/* SPDX-License-Identifier: MIT */
/* Contains an instruction outside the subset, which is reached only with an argument. */
#include "mtetso_guest.h"

__attribute__((noinline)) static void with_vectors(void) {
  __asm__ volatile("haddps %xmm1, %xmm0");
}

int main(int argc, char** argv) {
  print("contained\n");
  if (argument_or(argc, argv, 0) != 0) with_vectors();
  return 0;
}
