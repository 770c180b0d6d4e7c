/* Another x86-64 program: its function of the same name reads an account that was closed. */
#include <stdio.h>
#include <stdlib.h>

#include "lonely.h"

enum { COUNT = 60 };

static __attribute__((noinline)) long total(long* const* accounts, int count) {
  long sum = 0;
  for (int number = 0; number < count; number++) {
    sum += *accounts[number]; /* read after free */
  }
  return sum;
}

int main(void) {
  long* accounts[COUNT];
  for (int number = 0; number < COUNT; number++) {
    accounts[number] = malloc(48);
    *accounts[number] = number;
  }
  printf("%ld\n", total(accounts, COUNT));
  fflush(stdout);
  free(accounts[lonely((void* const*)accounts, COUNT)]);
  printf("%ld\n", total(accounts, COUNT));
  return 0;
}
