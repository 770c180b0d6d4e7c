/* Writes a line from time to time, for ever: something to interrupt. */
#include <stdio.h>

volatile long turns;

int main(void) {
  for (int i = 0;; i++) {
    printf("tick %d\n", i);
    fflush(stdout);
    for (turns = 0; turns < 20000000; turns++) {
    }
  }
}
