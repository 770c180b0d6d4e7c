/* Picks an object none of whose neighbours has its tag: what an access to it is, is then certain.
 */
#ifndef LONELY_H
#define LONELY_H

#include <stdint.h>
#include <stdlib.h>

/* The number of one of `count` objects, which were allocated one after the other. */
static int lonely(void* const* objects, int count) {
  enum { NEAR = 8 };
  for (int number = NEAR; number < count - NEAR; number++) {
    int others = 0;
    for (int away = -NEAR; away <= NEAR; away++) {
      uintptr_t mine = (uintptr_t)objects[number], its = (uintptr_t)objects[number + away];
      others += away != 0 && mine >> 56 == its >> 56;
    }
    if (others == 0 || (uintptr_t)objects[number] >> 56 == 0) {
      return number;
    }
  }
  abort();
}

#endif
