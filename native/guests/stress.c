/* SPDX-License-Identifier: MIT */
/* Litmus tests on threads that really run at once: `stress.elf TEST ROUNDS`.
 *
 * A round is on cells that one of the threads, each in its turn, has just allocated: they are local
 * to the core that it is on then. Threads meet before and after so many rounds; in between each
 * waits for the others a moment only, so that they come together mostly, but nobody is held up. A
 * line a test is printed, its outcomes with how often each was, and how often a thread found itself
 * on another core than the round before; an outcome that x86 does not have ends the program with
 * status 1. */
#include "mtetso_guest.h"

enum { THREADS = 4, CELLS = 2, OUTCOMES = 16, SPINS = 64, AT_ONCE = 32, DEFAULT_ROUNDS = 512 };

struct cell {
  volatile uint64_t value;
  uint64_t padding;
};

/* Of both threads' reads and of the cells at the end, what tells outcomes apart: four bits. */
enum test { MP, SB, LB, CO, IRIW, TWO_W, TESTS };
static const struct {
  const char* name;
  unsigned threads;
} tests[TESTS] = {{"MP", 2}, {"SB", 2}, {"LB", 2}, {"CoRR", 2}, {"IRIW", 4}, {"2+2W", 2}};

static enum test test;
static uint64_t rounds;
static struct cell* volatile cells[AT_ONCE];
static volatile uint64_t read[AT_ONCE][THREADS][2];
static uint64_t arrived, generation, moves, histogram[OUTCOMES];
/* How many rounds each thread has begun, far from the others' numbers. */
static struct begun { uint64_t rounds, padding[7]; } begun[THREADS] __attribute__((aligned(64)));

static void meet(unsigned threads) {
  uint64_t now = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == threads) {
    __atomic_store_n(&arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&generation, now + 1, __ATOMIC_RELEASE);
  }
  for (unsigned spins = 0; __atomic_load_n(&generation, __ATOMIC_ACQUIRE) == now; ++spins)
    if (spins % SPINS == SPINS - 1) mtetso_yield();
}

/* Waits until all have begun a round, or not long. */
static void come_together(unsigned thread, unsigned threads, uint64_t round) {
  __atomic_store_n(&begun[thread].rounds, round + 1, __ATOMIC_RELEASE);
  for (unsigned other = 0, spins = 0; other < threads && spins < SPINS; ++spins)
    if (__atomic_load_n(&begun[other].rounds, __ATOMIC_ACQUIRE) > round) ++other;
}

static void body(unsigned thread, unsigned place, volatile uint64_t* x, volatile uint64_t* y) {
  volatile uint64_t *mine = thread == 0 ? x : y, *other = thread == 0 ? y : x;
  uint64_t first = 0, second = 0;
  switch (test) {
    case MP:
      if (thread == 0)
        *x = 1, *y = 1;
      else
        first = *y, second = *x;
      break;
    case CO:
      if (thread == 0)
        *x = 1;
      else
        first = *x, second = *x;
      break;
    case SB:
      *mine = 1, first = *other;
      break;
    case LB:
      first = *other, *mine = 1;
      break;
    case TWO_W:
      *mine = 1, *other = 2;
      break;
    case IRIW:
      if (thread < 2)
        *mine = 1;
      else
        first = thread == 2 ? *x : *y, second = thread == 2 ? *y : *x;
      break;
    default:
      break;
  }
  read[place][thread][0] = first, read[place][thread][1] = second;
}

/* The outcome's number, and whether x86 has it. */
static unsigned outcome(unsigned place, int* forbidden) {
  volatile uint64_t(*got)[2] = read[place];
  const struct cell* of = cells[place];
  uint64_t a = got[0][0], b = got[1][0], c = got[1][1];
  switch (test) {
    case MP:
    case CO:
      *forbidden = b == 1 && c == 0;
      return (unsigned)(b << 1 | c);
    case SB:
    case LB:
      *forbidden = test == LB && a == 1 && b == 1;
      return (unsigned)(a << 1 | b);
    case TWO_W:
      *forbidden = of[0].value == 1 && of[1].value == 1;
      return (unsigned)((of[0].value - 1) << 1 | (of[1].value - 1));
    default:
      *forbidden = got[2][0] == 1 && got[2][1] == 0 && got[3][0] == 1 && got[3][1] == 0;
      return (unsigned)(got[2][0] << 3 | got[2][1] << 2 | got[3][0] << 1 | got[3][1]);
  }
}

static uint64_t worker(void* argument) {
  unsigned thread = (unsigned)(uint64_t)argument, threads = tests[test].threads;
  uint64_t seed = thread + 1, wrong = 0;
  int core = mtetso_core_id();
  for (uint64_t first = 0; first < rounds; first += AT_ONCE) {
    const uint64_t left = rounds - first, count = left < AT_ONCE ? left : AT_ONCE;
    for (uint64_t i = thread; i < count; i += threads)
      cells[i] = mtetso_allocate(CELLS * sizeof(struct cell));
    meet(threads);
    for (uint64_t i = 0; i < count; ++i) {
      struct cell* mine = cells[i];
      come_together(thread, threads, first + i);
      seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
      for (uint64_t wait = seed >> 58; wait != 0; --wait) __asm__ volatile("pause");
      body(thread, (unsigned)i, &mine[0].value, &mine[1].value);
      int now = mtetso_core_id();
      if (now != core) __atomic_add_fetch(&moves, 1, __ATOMIC_RELAXED);
      core = now;
    }
    meet(threads);
    for (uint64_t i = 0; thread == 0 && i < count; ++i) {
      int forbidden = 0;
      ++histogram[outcome((unsigned)i, &forbidden)];
      wrong += (uint64_t)forbidden;
    }
    meet(threads);
  }
  return wrong;
}

int main(int argc, char** argv) {
  long threads[THREADS];
  while (test < TESTS && argc > 1 && argv[1][0] != tests[test].name[0]) ++test;
  rounds = argument_or(argc - 1, argv + 1, DEFAULT_ROUNDS);
  if (argc < 2 || test == TESTS) return failed("stress TEST [ROUNDS]");
  for (unsigned i = 0; i < tests[test].threads; ++i) {
    threads[i] = mtetso_spawn(worker, (void*)(uint64_t)i);
    if (threads[i] < 0) return failed("no thread");
  }
  uint64_t wrong = mtetso_join(threads[0]);
  for (unsigned i = 1; i < tests[test].threads; ++i) mtetso_join(threads[i]);
  print(tests[test].name);
  for (unsigned i = 0; i < OUTCOMES; ++i) print_number(" ", histogram[i], "");
  print_number(" moves ", moves, "\n");
  return wrong == 0 ? 0 : failed("an outcome that x86 does not have");
}
