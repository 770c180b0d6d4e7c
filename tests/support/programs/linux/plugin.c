// SPDX-License-Identifier: MIT
// A library that a program loads as it runs, and dies in.
static int rounds;
__attribute__((noinline)) static int deeper(int* p, int n) {
  if (n) return deeper(p, n - 1) + ++rounds;
  return *p;
}
int plugin_die(int* p) {
  int found = deeper(p, 2);
  return found + rounds;
}
