/* SPDX-License-Identifier: MIT */
/* Takes a page out of its own code, and runs the rest. */
#include "raw.h"

enum { kRounds = 5555, kPage = 4096, kReads = 1 };

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

static void start(word* stack) {
  (void)stack;
  taken();
  before();
  CHECK(CALL3(kMprotect, (void*)taken, kPage, kReads) == 0);
  before();
  behind();
  behind();
  end();
}
