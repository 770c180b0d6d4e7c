/* SPDX-License-Identifier: MIT */
/* A loop over a counter in bss: one load and one store memop, on shared memory. */
#include "mtetso_guest.h"

static volatile uint64_t counter;

int main(int argc, char** argv) {
  uint64_t rounds = argument_or(argc, argv, 1000);
  for (uint64_t i = 0; i < rounds; ++i) counter = counter + 1;
  print_number("counter ", counter, "\n");
  return counter == rounds ? 0 : failed("the counter is not the number of rounds");
}
