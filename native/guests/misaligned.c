/* SPDX-License-Identifier: MIT */
/* Two threads that take turns with values that are not aligned: of every size, inside of a granule
 * and across two, with plain and locked instructions. argv[1]: rounds. */
#include "mtetso_guest.h"

enum { DEFAULT_ROUNDS = 20000, ODD = 3, ACROSS2 = 15, ACROSS4 = 13, ACROSS8 = 11 };

static struct {
  uint8_t inside[16];
  uint8_t across[32];
  uint64_t turn __attribute__((aligned(64)));
} shared __attribute__((aligned(64)));

static uint64_t rounds;

#define AT(type, array, offset) (*(volatile type*)&shared.array[offset])

static __attribute__((noinline)) void add(uint64_t by) {
  AT(uint16_t, inside, 1) = (uint16_t)(AT(uint16_t, inside, 1) + by);
  AT(uint32_t, inside, ODD) = (uint32_t)(AT(uint32_t, inside, ODD) + by);
  AT(uint64_t, inside, ODD + 4) = AT(uint64_t, inside, ODD + 4) + by;
}

static __attribute__((noinline)) void add_across2(uint64_t by) {
  AT(uint16_t, across, ACROSS2) = (uint16_t)(AT(uint16_t, across, ACROSS2) + by);
}

static __attribute__((noinline)) void add_across4(uint64_t by) {
  AT(uint32_t, across, ACROSS4) = (uint32_t)(AT(uint32_t, across, ACROSS4) + by);
}

static __attribute__((noinline)) void add_across8(uint64_t by) {
  AT(uint64_t, across, ACROSS8) = AT(uint64_t, across, ACROSS8) + by;
}

static uint64_t take_turns(void* argument) {
  uint64_t me = (uint64_t)argument;
  for (uint64_t round = 0; round < rounds; ++round) {
    while (__atomic_load_n(&shared.turn, __ATOMIC_ACQUIRE) % 2 != me) mtetso_yield();
    add(1);
    switch (round % 3) {
      case 0:
        add_across2(1);
        break;
      case 1:
        add_across4(1);
        break;
      default:
        add_across8(1);
        break;
    }
    __atomic_fetch_add(&shared.turn, 1, __ATOMIC_RELEASE);
  }
  return 0;
}

int main(int argc, char** argv) {
  rounds = argument_or(argc, argv, DEFAULT_ROUNDS);
  long first = mtetso_spawn(take_turns, (void*)0), second = mtetso_spawn(take_turns, (void*)1);
  mtetso_join(first);
  mtetso_join(second);
  print_number("misaligned ", AT(uint16_t, inside, 1), "");
  print_number(" ", AT(uint32_t, inside, ODD), "");
  print_number(" ", AT(uint64_t, inside, ODD + 4), "");
  uint64_t sum = 0;
  for (int i = 0; i < 32; ++i) sum = sum * 31 + shared.across[i];
  print_number(" ", sum, "\n");
  return 0;
}
