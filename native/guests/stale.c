/* SPDX-License-Identifier: MIT */
/* One access, two kinds of memory: both threads call the same function, one on memory that is
 * shared, one on memory of its own. Under the policy `seed` its memop goes back and forth between
 * the two forms, and a thread can be caught between the two instructions: docs/walkthrough.md.
 *
 * Neither reads before both are there, so that whoever walks them finds them at the same places
 * each time. `reading` is nobody's business but a debugger's: its store faults once, after the
 * other thread has been let go and before the first access to its own word. */
#include "mtetso_guest.h"

enum { DEFAULT_ROUNDS = 20 };

static volatile uint64_t word_of_all;
static volatile uint64_t here, ready, reading;
static uint64_t rounds;

__attribute__((noinline)) static uint64_t read_word(const volatile uint64_t* word) { return *word; }

__attribute__((noinline)) static uint64_t read_often(const volatile uint64_t* word) {
  uint64_t total = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    total += read_word(word);
    mtetso_yield();
  }
  return total;
}

__attribute__((noinline)) static void wait_for(const volatile uint64_t* flag) {
  while (*flag == 0) mtetso_yield();
}

static uint64_t of_all(void* argument) {
  (void)argument;
  here = 1;
  wait_for(&ready);
  return read_often(&word_of_all);
}

static uint64_t of_its_own(void* argument) {
  (void)argument;
  volatile uint64_t* word = mtetso_allocate(sizeof *word);
  if (word != NULL) *word = 2;
  wait_for(&here);
  ready = 1;
  reading = 1;
  return word == NULL ? 0 : read_often(word);
}

int main(int argc, char** argv) {
  rounds = argument_or(argc, argv, DEFAULT_ROUNDS);
  word_of_all = 1;
  long first = mtetso_spawn(of_all, NULL), second = mtetso_spawn(of_its_own, NULL);
  if (first < 0 || second < 0) return failed("no thread");
  uint64_t total = mtetso_join(first) + mtetso_join(second);
  print_number("read ", total, "\n");
  return total == 3 * rounds ? 0 : failed("a word was read wrongly");
}
