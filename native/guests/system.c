/* SPDX-License-Identifier: MIT */
/* What the runtime's processor says of itself. Its clock stands still, so that runs repeat. */
#include "mtetso_guest.h"

struct leaf {
  uint32_t a, b, c, d;
};

static struct leaf cpuid(uint32_t leaf) {
  struct leaf got;
  __asm__ volatile("cpuid"
                   : "=a"(got.a), "=b"(got.b), "=c"(got.c), "=d"(got.d)
                   : "a"(leaf), "c"(0));
  return got;
}

static uint64_t rdtsc(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

int main(void) {
  struct leaf first = cpuid(0), features = cpuid(1), extended = cpuid(0x80000001);
  char vendor[13] = {0};
  __builtin_memcpy(vendor, &first.b, 4);
  __builtin_memcpy(vendor + 4, &first.d, 4);
  __builtin_memcpy(vendor + 8, &first.c, 4);
  print(vendor);
  print_number("\nhighest ", first.a, "\n");
  print_number("cx16 ", features.c >> 13 & 1, "\n");
  print_number("popcnt ", features.c >> 23 & 1, "\n");
  print_number("sse ", features.d >> 25 & 1, "\n");
  print_number("lzcnt ", extended.c >> 5 & 1, "\n");
  print_number("unknown ", cpuid(77).a + cpuid(0x80000077).d, "\n");
  print(rdtsc() == rdtsc() ? "constant\n" : "CHANGES\n");
  return 0;
}
