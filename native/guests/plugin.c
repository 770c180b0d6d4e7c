/* SPDX-License-Identifier: MIT
 *
 * What loader.c loads: a program of its own, at another address.
 */
#include "mtetso_guest.h"

static uint64_t count;

uint64_t plugin_sum(uint64_t up_to, uint64_t (*each)(uint64_t)) {
  uint64_t sum = 0;
  ++count;
  for (uint64_t i = 1; i <= up_to; ++i) sum += each(i);
  return sum;
}

uint64_t plugin_count(void) { return count; }

int main(void) { return plugin_sum(1, 0) != 0; }
