/* SPDX-License-Identifier: MIT
 *
 * Loads another program (argv[1]) beside itself, calls it, lets it call back, takes it away, and
 * loads it again: code of two programs in one process.
 */
#include "mtetso_guest.h"

enum { ROUNDS = 5 };

static uint64_t twice(uint64_t value) { return 2 * value; }

int main(int argc, char** argv) {
  if (argc < 2) return failed("no program to load");
  if (mtetso_load("/nonexistent.elf") != -1) return failed("a program that is not there");
  for (uint64_t round = 0; round < ROUNDS; ++round) {
    long program = mtetso_load(argv[1]);
    if (program == -1) return failed("load");
    if (mtetso_symbol(program, "nothing of the kind") != NULL) return failed("symbol");
    uint64_t (*sum)(uint64_t, uint64_t(*)(uint64_t)) = 0;
    void* found = mtetso_symbol(program, "plugin_sum");
    __builtin_memcpy(&sum, &found, sizeof sum);
    if (sum == NULL) return failed("no plugin_sum");
    if (sum(100 + round, twice) != (100 + round) * (101 + round)) return failed("wrong sum");
    uint64_t (*count)(void) = 0;
    found = mtetso_symbol(program, "plugin_count");
    __builtin_memcpy(&count, &found, sizeof count);
    if (count() != 1) return failed("its data are not fresh");
    if (mtetso_unload(program) != 0) return failed("unload");
    if (mtetso_unload(program) != -1) return failed("unloaded twice");
  }
  print("loaded\n");
  return 0;
}
