/* SPDX-License-Identifier: MIT */
/* The sum over an array through a function pointer: indirect calls, loads of several widths. */
#include "mtetso_guest.h"

enum { COUNT = 64 };

static int32_t values[COUNT];

static int64_t itself(int64_t value) { return value; }
static int64_t square(int64_t value) { return value * value; }
static int64_t halved(int64_t value) { return value / 2; }

static int64_t (*volatile functions[])(int64_t) = {itself, square, halved};

__attribute__((noinline)) static int64_t sum(int64_t (*function)(int64_t), const int32_t* array,
                                             size_t count) {
  int64_t total = 0;
  for (size_t i = 0; i < count; ++i) total += function(array[i]);
  return total;
}

int main(void) {
  static const uint64_t expected[] = {2016, 85344, 992};
  static const char* const names[] = {"sum ", "squares ", "halves "};
  for (int i = 0; i < COUNT; ++i) values[i] = i;
  for (int i = 0; i < 3; ++i) {
    uint64_t total = (uint64_t)sum(functions[i], values, COUNT);
    print_number(names[i], total, "\n");
    if (total != expected[i]) return failed("a sum is wrong");
  }
  return 0;
}
