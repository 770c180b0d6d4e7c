/* Another x86-64 program: its function of the same name reads an account that was closed. */
#include <stdio.h>
#include <stdlib.h>

static __attribute__((noinline)) long total(long* const* accounts, int count) {
  long sum = 0;
  for (int number = 0; number < count; number++) {
    sum += *accounts[number]; /* read after free */
  }
  return sum;
}

int main(void) {
  long* accounts[20];
  for (int number = 0; number < 20; number++) {
    accounts[number] = malloc(48);
    *accounts[number] = number;
  }
  printf("%ld\n", total(accounts, 20));
  fflush(stdout);
  free(accounts[7]);
  printf("%ld\n", total(accounts, 20));
  return 0;
}
