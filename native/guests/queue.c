/* SPDX-License-Identifier: MIT */
/* A bounded queue of many producers and many consumers without locks (Vyukov's): each slot has a
 * number that says whose turn it is. All that went in must come out once. */
#include "mtetso_guest.h"

enum { SLOTS = 8, MOST = 4, DEFAULT_PAIRS = 2, DEFAULT_ITEMS = 60 };

struct slot {
  uint64_t turn;
  uint64_t value;
};

static struct {
  struct slot slots[SLOTS];
  uint64_t tail __attribute__((aligned(64)));
  uint64_t head __attribute__((aligned(64)));
} queue;

static uint64_t items;
static uint64_t pairs; /* of a producer and a consumer */
static uint64_t taken;

static void put(uint64_t value) {
  for (;;) {
    uint64_t at = __atomic_load_n(&queue.tail, __ATOMIC_RELAXED);
    struct slot* slot = &queue.slots[at % SLOTS];
    int64_t late = (int64_t)(__atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE) - at);
    if (late < 0) {
      mtetso_yield(); /* full */
    } else if (late == 0 && __atomic_compare_exchange_n(&queue.tail, &at, at + 1, 0,
                                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
      slot->value = value;
      __atomic_store_n(&slot->turn, at + 1, __ATOMIC_RELEASE);
      return;
    }
  }
}

/* False where there is nothing. */
static int get(uint64_t* value) {
  for (;;) {
    uint64_t at = __atomic_load_n(&queue.head, __ATOMIC_RELAXED);
    struct slot* slot = &queue.slots[at % SLOTS];
    int64_t late = (int64_t)(__atomic_load_n(&slot->turn, __ATOMIC_ACQUIRE) - (at + 1));
    if (late < 0) return 0;
    if (late == 0 && __atomic_compare_exchange_n(&queue.head, &at, at + 1, 0, __ATOMIC_SEQ_CST,
                                                 __ATOMIC_SEQ_CST)) {
      *value = slot->value;
      __atomic_store_n(&slot->turn, at + SLOTS, __ATOMIC_RELEASE);
      return 1;
    }
  }
}

static uint64_t producer(void* argument) {
  for (uint64_t i = 1; i <= items; ++i) put((uint64_t)argument << 32 | i);
  return 0;
}

/* The sum of what it took. Values of one producer come in their order. */
static uint64_t consumer(void* argument) {
  uint64_t sum = 0, last[MOST] = {0};
  (void)argument;
  while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < pairs * items) {
    uint64_t value;
    if (!get(&value)) {
      mtetso_yield();
      continue;
    }
    __atomic_fetch_add(&taken, 1, __ATOMIC_SEQ_CST);
    uint64_t from = value >> 32, number = value & 0xffffffff;
    if (from >= pairs || number <= last[from]) return 0;
    last[from] = number;
    sum += number + from * 1000000;
  }
  return sum;
}

int main(int argc, char** argv) {
  items = argument_or(argc, argv, DEFAULT_ITEMS);
  pairs = argument_or(argc - 1, argv + 1, DEFAULT_PAIRS);
  if (pairs < 1 || pairs > MOST) return failed("queue [items [1 to 4 pairs]]");
  for (uint64_t i = 0; i < SLOTS; ++i) queue.slots[i].turn = i;
  long threads[2 * MOST];
  for (uint64_t i = 0; i < pairs; ++i) threads[i] = mtetso_spawn(producer, (void*)i);
  for (uint64_t i = 0; i < pairs; ++i) threads[pairs + i] = mtetso_spawn(consumer, NULL);
  uint64_t sum = 0, expected = 0;
  for (uint64_t i = 0; i < 2 * pairs; ++i) sum += mtetso_join(threads[i]);
  for (uint64_t from = 0; from < pairs; ++from)
    for (uint64_t i = 1; i <= items; ++i) expected += i + from * 1000000;
  if (sum != expected) return failed("sum");
  print_number("queue ", sum, "\n");
  return 0;
}
