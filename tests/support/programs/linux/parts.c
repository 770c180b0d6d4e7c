/* SPDX-License-Identifier: MIT */
/* Takes a page out of its own code, and runs the rest; maps more of a file than there is, as ld.so
   does for a library with much that is zero. */
#include "raw.h"

enum { kRounds = 5555, kPage = 4096, kReads = 1, kReadsAndRuns = 5, kOpen = 2 };
enum { kPrivate = 2, kAnonymousFixed = 0x32, kMuch = 1 << 20 };

static word g_sum;

#define ON_A_PAGE __attribute__((noinline, used, aligned(4096)))

ON_A_PAGE static void before(void) {
  for (volatile word i = 0; i < kRounds; ++i) g_sum += i;
}
ON_A_PAGE static void taken(void) { g_sum = 0; }
ON_A_PAGE static void behind(void) {
  for (volatile word i = 0; i < kRounds; ++i) g_sum -= i;
}
ON_A_PAGE static void end(void) {
  CHECK(g_sum == 0);
  CALL3(kExitGroup, g_wrong, 0, 0);
}

static void beyond_the_end(void) {
  const long file = CALL3(kOpen, "/proc/self/exe", 0, 0);
  const long whole = call6(kMmap, 0, kMuch, kReadsAndRuns, kPrivate, file, 0);
  CHECK(whole > 0);
  const long middle = whole + kMuch / 2;
  CHECK(call6(kMmap, middle, kPage, 3, kAnonymousFixed, -1, 0) == middle);
  CHECK(CALL3(kMunmap, whole, kMuch, 0) == 0);
}

static void start(word* stack) {
  (void)stack;
  beyond_the_end();
  taken();
  before();
  CHECK(CALL3(kMprotect, (void*)taken, kPage, kReads) == 0);
  before();
  behind();
  behind();
  end();
}
