/* SPDX-License-Identifier: MIT */
/* Threads that share a little and have much of their own: a ring from each to the next, a sequence
 * lock, and deques that others steal from. One copy function moves records between memory of a
 * thread's own and memory that is shared, and inside of both. */
#include "mtetso_guest.h"

enum { MOST = 8, DEFAULT_THREADS = 3, ROUNDS = 12, SLOTS = 4, WORDS = 6, TASKS = 16 };

struct record {
  uint64_t word[WORDS];
} __attribute__((aligned(16)));

struct ring {
  struct record slot[SLOTS];
  uint64_t head __attribute__((aligned(64)));
  uint64_t tail __attribute__((aligned(64)));
};

struct deque {
  uint64_t task[TASKS] __attribute__((aligned(64)));
  uint64_t top __attribute__((aligned(64)));
  uint64_t bottom __attribute__((aligned(64)));
};

static struct ring rings[MOST];
static struct deque deques[MOST];
static struct {
  uint64_t sequence __attribute__((aligned(64)));
  struct record record;
} published;
static uint64_t done __attribute__((aligned(64)));
static uint64_t threads __attribute__((aligned(64)));

static __attribute__((noinline)) void copy(struct record* to, const struct record* from) {
  volatile uint64_t* out = to->word;
  const volatile uint64_t* in = from->word;
  for (int i = 0; i < WORDS; ++i) out[i] = in[i];
}

static void put(struct ring* ring, const struct record* record) {
  uint64_t at = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
  while (at - __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) == SLOTS) mtetso_yield();
  copy(&ring->slot[at % SLOTS], record);
  __atomic_store_n(&ring->tail, at + 1, __ATOMIC_RELEASE);
}

static void take(struct ring* ring, struct record* record) {
  uint64_t at = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
  while (__atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == at) mtetso_yield();
  copy(record, &ring->slot[at % SLOTS]);
  __atomic_store_n(&ring->head, at + 1, __ATOMIC_RELEASE);
}

/* The first thread is the only writer. */
static void publish(const struct record* record) {
  uint64_t now = published.sequence;
  __atomic_store_n(&published.sequence, now + 1, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  copy(&published.record, record);
  __atomic_store_n(&published.sequence, now + 2, __ATOMIC_RELEASE);
}

static void look(struct record* record) {
  for (;;) {
    uint64_t before = __atomic_load_n(&published.sequence, __ATOMIC_ACQUIRE);
    if ((before & 1) == 0) {
      copy(record, &published.record);
      __atomic_thread_fence(__ATOMIC_ACQUIRE);
      if (__atomic_load_n(&published.sequence, __ATOMIC_RELAXED) == before) return;
    }
    mtetso_yield();
  }
}

/* The next task of a deque, 0 if there is none: owner and thieves take them from the top. */
static uint64_t steal(struct deque* from) {
  for (;;) {
    uint64_t at = __atomic_load_n(&from->top, __ATOMIC_ACQUIRE);
    if (at >= __atomic_load_n(&from->bottom, __ATOMIC_ACQUIRE)) return 0;
    uint64_t task = __atomic_load_n(&from->task[at], __ATOMIC_RELAXED);
    if (__atomic_compare_exchange_n(&from->top, &at, at + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return task;
  }
}

static uint64_t worker(void* argument) {
  uint64_t me = (uint64_t)argument, sum = 0;
  struct record* own = mtetso_allocate(2 * sizeof *own);
  for (uint64_t round = 1; round <= ROUNDS; ++round) {
    for (int i = 0; i < WORDS; ++i) own[0].word[i] = me * 100 + round;
    copy(&own[1], &own[0]);
    put(&rings[(me + 1) % threads], &own[1]);
    take(&rings[me], &own[0]);
    for (int i = 0; i < WORDS; ++i) sum += own[0].word[i];
    if (me == 0) {
      for (int i = 0; i < WORDS; ++i) own[1].word[i] = round;
      publish(&own[1]);
    } else {
      look(&own[1]);
      for (int i = 1; i < WORDS; ++i)
        if (own[1].word[i] != own[1].word[0]) return 0;
    }
  }
  for (uint64_t i = 0; i < TASKS; ++i)
    __atomic_store_n(&deques[me].task[i], me * TASKS + i + 1, __ATOMIC_RELAXED);
  __atomic_store_n(&deques[me].bottom, TASKS, __ATOMIC_RELEASE);
  while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) < threads * TASKS)
    for (uint64_t i = 0; i < threads; ++i) {
      uint64_t task = steal(&deques[(me + i) % threads]);
      if (task == 0) mtetso_yield();
      if (task == 0) continue;
      sum += task;
      __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
    }
  return sum;
}

int main(int argc, char** argv) {
  threads = argument_or(argc, argv, DEFAULT_THREADS);
  if (threads < 2 || threads > MOST) return failed("sharing [2 to 8]");
  long started[MOST];
  for (uint64_t i = 0; i < threads; ++i) started[i] = mtetso_spawn(worker, (void*)i);
  uint64_t sum = 0, expected = threads * TASKS * (threads * TASKS + 1) / 2;
  for (uint64_t i = 0; i < threads; ++i) sum += mtetso_join(started[i]);
  for (uint64_t i = 0; i < threads; ++i)
    for (uint64_t round = 1; round <= ROUNDS; ++round) expected += WORDS * (i * 100 + round);
  if (sum != expected) return failed("sum");
  print_number("sharing ", sum, "\n");
  return 0;
}
