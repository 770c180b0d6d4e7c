/* SPDX-License-Identifier: MIT */
/* A byte-wise copy between memory of its own (local) and bss (shared), in both directions: the
 * same memops meet both kinds of memory. */
#include "mtetso_guest.h"

enum { SIZE = 160 };

static char image[SIZE];

__attribute__((noinline)) static void copy(volatile char* to, const volatile char* from,
                                           size_t size) {
  for (size_t i = 0; i < size; ++i) to[i] = from[i];
}

static uint64_t checksum(const char* bytes, size_t size) {
  uint64_t sum = 1469598103934665603u;
  for (size_t i = 0; i < size; ++i) sum = (sum ^ (uint8_t)bytes[i]) * 1099511628211u;
  return sum;
}

int main(int argc, char** argv) {
  uint64_t rounds = argument_or(argc, argv, 3);
  char* own = mtetso_allocate(SIZE);
  char* other = mtetso_allocate(SIZE);
  if (own == NULL || other == NULL) return failed("no memory");
  for (int i = 0; i < SIZE; ++i) own[i] = (char)(i * 7 + 3);
  uint64_t before = checksum(own, SIZE);
  for (uint64_t i = 0; i < rounds; ++i) {
    copy(image, own, SIZE);
    copy(other, image, SIZE);
    copy(own, other, SIZE);
  }
  print_number("checksum ", checksum(own, SIZE), "\n");
  if (checksum(image, SIZE) != before || checksum(other, SIZE) != before)
    return failed("a copy differs");
  return checksum(own, SIZE) == before ? 0 : failed("the source has changed");
}
