/* SPDX-License-Identifier: MIT */
/* Ways in which threads share memory, one a run: patterns NAME [threads]. Each thread also has much
 * that nobody else touches, which one copy function and one sum go through as well. */
#include "mtetso_guest.h"

enum { MOST = 8, ROUNDS = 8, WORDS = 8, CELLS = 8, NODES = 32 };

struct record {
  uint64_t word[WORDS];
} __attribute__((aligned(64)));

static uint64_t threads;

static __attribute__((noinline)) void copy(struct record* to, const struct record* from) {
  volatile uint64_t* out = to->word;
  const volatile uint64_t* in = from->word;
  for (int i = 0; i < WORDS; ++i) out[i] = in[i];
}

static __attribute__((noinline)) void fill(struct record* to, uint64_t value) {
  volatile uint64_t* out = to->word;
  for (int i = 0; i < WORDS; ++i) out[i] = value;
}

/* 0 if the words differ: somebody wrote meanwhile. */
static __attribute__((noinline)) uint64_t value_of(const struct record* record) {
  const volatile uint64_t* in = record->word;
  for (int i = 1; i < WORDS; ++i)
    if (in[i] != in[0]) return 0;
  return in[0];
}

/* What each thread does between its turns, in memory of its own. */
static uint64_t private_work(struct record* own, uint64_t seed) {
  fill(&own[0], seed);
  copy(&own[1], &own[0]);
  copy(&own[2], &own[1]);
  return value_of(&own[2]);
}

/* A counting barrier that is used again and again. */
static struct {
  uint64_t waiting __attribute__((aligned(64)));
  uint64_t phase __attribute__((aligned(64)));
} barrier;

static void wait_for_all(void) {
  uint64_t phase = __atomic_load_n(&barrier.phase, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&barrier.waiting, 1, __ATOMIC_ACQ_REL) == threads) {
    __atomic_store_n(&barrier.waiting, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&barrier.phase, phase + 1, __ATOMIC_RELEASE);
    return;
  }
  while (__atomic_load_n(&barrier.phase, __ATOMIC_ACQUIRE) == phase) mtetso_yield();
}

static struct record columns[2][MOST];

/* Each writes its own column and reads its neighbour's of the round before. */
static uint64_t stencil(uint64_t me, struct record* own) {
  uint64_t sum = 0;
  fill(&columns[0][me], me + 1);
  wait_for_all();
  for (uint64_t round = 0; round < ROUNDS; ++round) {
    uint64_t left = value_of(&columns[round & 1][(me + threads - 1) % threads]);
    if (left == 0) return 0;
    sum += left + private_work(own, me + 1) - (me + 1);
    fill(&columns[(round + 1) & 1][me], left);
    wait_for_all();
  }
  return sum;
}

static uint64_t stencil_expected(void) {
  uint64_t sum = 0;
  for (uint64_t me = 0; me < threads; ++me)
    for (uint64_t round = 0; round < ROUNDS; ++round)
      sum += (me + threads * ROUNDS - 1 - round) % threads + 1;
  return sum;
}

/* A lock of many readers or one writer: above 0 readers, -1 a writer. */
static struct {
  int64_t state __attribute__((aligned(64)));
  struct record record;
} guarded;

static uint64_t readers_writer(uint64_t me, struct record* own) {
  for (uint64_t round = 0; round < ROUNDS; ++round) {
    if ((round + me) % threads == 0) {
      int64_t none = 0;
      while (!__atomic_compare_exchange_n(&guarded.state, &none, -1, 0, __ATOMIC_ACQUIRE,
                                          __ATOMIC_RELAXED)) {
        none = 0;
        mtetso_yield();
      }
      fill(&guarded.record, value_of(&guarded.record) + 1);
      __atomic_store_n(&guarded.state, 0, __ATOMIC_RELEASE);
    } else {
      int64_t seen = __atomic_load_n(&guarded.state, __ATOMIC_RELAXED);
      while (seen < 0 || !__atomic_compare_exchange_n(&guarded.state, &seen, seen + 1, 0,
                                                      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        mtetso_yield();
        seen = __atomic_load_n(&guarded.state, __ATOMIC_RELAXED);
      }
      copy(&own[3], &guarded.record);
      __atomic_fetch_sub(&guarded.state, 1, __ATOMIC_RELEASE);
      if (value_of(&own[3]) == 0) return 0;
    }
    private_work(own, me + 1);
  }
  wait_for_all();
  return me == 0 ? value_of(&guarded.record) : 0;
}

static uint64_t readers_writer_expected(void) {
  uint64_t writes = 1;
  for (uint64_t me = 0; me < threads; ++me)
    for (uint64_t round = 0; round < ROUNDS; ++round) writes += (round + me) % threads == 0;
  return writes;
}

/* A bounded queue of many producers and consumers: each cell has a turn. */
static struct {
  struct {
    uint64_t turn;
    struct record record;
  } cell[CELLS];
  uint64_t put __attribute__((aligned(64)));
  uint64_t taken __attribute__((aligned(64)));
} ring;

static void ring_put(const struct record* record) {
  uint64_t at = __atomic_fetch_add(&ring.put, 1, __ATOMIC_RELAXED);
  uint64_t* turn = &ring.cell[at % CELLS].turn;
  while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != at) mtetso_yield();
  copy(&ring.cell[at % CELLS].record, record);
  __atomic_store_n(turn, at + 1, __ATOMIC_RELEASE);
}

static uint64_t ring_take(struct record* record) {
  uint64_t at = __atomic_fetch_add(&ring.taken, 1, __ATOMIC_RELAXED);
  uint64_t* turn = &ring.cell[at % CELLS].turn;
  while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != at + 1) mtetso_yield();
  copy(record, &ring.cell[at % CELLS].record);
  __atomic_store_n(turn, at + CELLS, __ATOMIC_RELEASE);
  return value_of(record);
}

static uint64_t many_to_many(uint64_t me, struct record* own) {
  uint64_t sum = 0;
  for (uint64_t round = 0; round < ROUNDS; ++round) {
    fill(&own[3], me * ROUNDS + round + 1);
    ring_put(&own[3]);
    private_work(own, me + 1);
    sum += ring_take(&own[4]);
  }
  return sum;
}

static uint64_t all_numbers(void) { return threads * ROUNDS * (threads * ROUNDS + 1) / 2; }

/* Hazard pointers: who reads says which node; who replaced it frees it when nobody says so. */
static struct record pool_of_nodes[NODES];
static struct record* current __attribute__((aligned(64)));
static struct { struct record* in_use __attribute__((aligned(64))); } hazard[MOST];

static int is_in_use(const struct record* node) {
  for (uint64_t i = 0; i < threads; ++i)
    if (__atomic_load_n(&hazard[i].in_use, __ATOMIC_SEQ_CST) == node) return 1;
  return 0;
}

static uint64_t hazards(uint64_t me, struct record* own) {
  uint64_t last = 0, next = 1;
  for (uint64_t round = 0; round < ROUNDS; ++round) {
    if (me == 0) {
      while (is_in_use(&pool_of_nodes[next]) ||
             &pool_of_nodes[next] == __atomic_load_n(&current, __ATOMIC_RELAXED))
        next = (next + 1) % 4;
      fill(&pool_of_nodes[next], round + 2);
      __atomic_store_n(&current, &pool_of_nodes[next], __ATOMIC_SEQ_CST);
    } else {
      struct record* node;
      do {
        node = __atomic_load_n(&current, __ATOMIC_ACQUIRE);
        __atomic_store_n(&hazard[me].in_use, node, __ATOMIC_SEQ_CST);
      } while (__atomic_load_n(&current, __ATOMIC_SEQ_CST) != node);
      uint64_t seen = value_of(node);
      __atomic_store_n(&hazard[me].in_use, 0, __ATOMIC_RELEASE);
      if (seen == 0 || seen < last) return 0;
      last = seen;
    }
    private_work(own, me + 1);
    mtetso_yield();
  }
  return 1;
}

static uint64_t one_each(void) { return threads; }

/* A pool of workers: jobs are pointers to records that the first thread made, results come back in
 * them. */
static struct {
  struct record* job[MOST * ROUNDS];
  uint64_t count __attribute__((aligned(64)));
  uint64_t next __attribute__((aligned(64)));
  uint64_t done __attribute__((aligned(64)));
} jobs;

static uint64_t pool(uint64_t me, struct record* own) {
  const uint64_t all = threads * ROUNDS;
  uint64_t sum = 0;
  if (me == 0) {
    struct record* made = mtetso_allocate(all * sizeof *made);
    for (uint64_t i = 0; i < all; ++i) {
      fill(&made[i], i + 1);
      jobs.job[i] = &made[i];
      __atomic_store_n(&jobs.count, i + 1, __ATOMIC_RELEASE);
    }
    while (__atomic_load_n(&jobs.done, __ATOMIC_ACQUIRE) != all) mtetso_yield();
    for (uint64_t i = 0; i < all; ++i) sum += value_of(&made[i]) - (i + 1);
    return sum;
  }
  for (;;) {
    uint64_t at = __atomic_load_n(&jobs.next, __ATOMIC_RELAXED);
    if (at == all) return 0;
    if (at >= __atomic_load_n(&jobs.count, __ATOMIC_ACQUIRE)) {
      mtetso_yield();
      continue;
    }
    if (!__atomic_compare_exchange_n(&jobs.next, &at, at + 1, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
      continue;
    copy(&own[3], jobs.job[at]);
    fill(jobs.job[at], 2 * value_of(&own[3]));
    private_work(own, me + 1);
    __atomic_fetch_add(&jobs.done, 1, __ATOMIC_RELEASE);
  }
}

/* A buffer goes from one thread to the next and back to the first: one owner at a time. */
static struct { struct record* buffer __attribute__((aligned(64))); } inbox[MOST];

static uint64_t chain(uint64_t me, struct record* own) {
  struct record* buffer = 0;
  uint64_t last = 0;
  for (uint64_t round = 0; round < ROUNDS; ++round) {
    if (me == 0 && round == 0) {
      buffer = mtetso_allocate(sizeof *buffer);
      fill(buffer, 1);
    } else {
      do {
        buffer = __atomic_exchange_n(&inbox[me].buffer, 0, __ATOMIC_ACQUIRE);
        if (buffer == 0) mtetso_yield();
      } while (buffer == 0);
    }
    last = value_of(buffer) + 1;
    fill(buffer, last);
    private_work(own, me + 1);
    __atomic_store_n(&inbox[(me + 1) % threads].buffer, buffer, __ATOMIC_RELEASE);
  }
  return me + 1 == threads ? last : 0;
}

static uint64_t chain_expected(void) { return threads * ROUNDS + 1; }

/* A stack of free records under a lock: what one thread frees another one gets. */
static struct {
  uint64_t held __attribute__((aligned(64)));
  struct record* first __attribute__((aligned(64)));
} heap;

static void lock_heap(void) {
  while (__atomic_exchange_n(&heap.held, 1, __ATOMIC_ACQUIRE) != 0) mtetso_yield();
}

static void unlock_heap(void) { __atomic_store_n(&heap.held, 0, __ATOMIC_RELEASE); }

static uint64_t reuse(uint64_t me, struct record* own) {
  uint64_t sum = 0;
  for (uint64_t round = 0; round < ROUNDS; ++round) {
    wait_for_all(); /* then it gets what another one has given back */
    lock_heap();
    struct record* got = heap.first;
    if (got != 0) heap.first = (struct record*)got->word[0];
    unlock_heap();
    if (got == 0) got = mtetso_allocate(sizeof *got);
    fill(got, me * ROUNDS + round + 1);
    private_work(own, me + 1);
    mtetso_yield();
    sum += value_of(got);
    lock_heap();
    got->word[0] = (uint64_t)heap.first;
    heap.first = got;
    unlock_heap();
  }
  return sum;
}

static const struct pattern {
  const char* name;
  uint64_t (*run)(uint64_t me, struct record* own);
  uint64_t (*expected)(void);
} patterns[] = {
    {"stencil", stencil, stencil_expected},
    {"readers", readers_writer, readers_writer_expected},
    {"many", many_to_many, all_numbers},
    {"hazards", hazards, one_each},
    {"pool", pool, all_numbers},
    {"chain", chain, chain_expected},
    {"reuse", reuse, all_numbers},
};

static const struct pattern* chosen;

static uint64_t worker(void* argument) {
  struct record* own = mtetso_allocate(5 * sizeof *own);
  return chosen->run((uint64_t)argument, own);
}

static int same(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}

int main(int argc, char** argv) {
  for (size_t i = 0; argc > 1 && i < sizeof patterns / sizeof *patterns; ++i)
    if (same(argv[1], patterns[i].name)) chosen = &patterns[i];
  threads = argument_or(argc - 1, argv + 1, 4);
  if (chosen == 0 || threads < 2 || threads > MOST) return failed("patterns NAME [2 to 8]");
  for (uint64_t i = 0; i < CELLS; ++i) ring.cell[i].turn = i;
  fill(&guarded.record, 1);
  fill(&pool_of_nodes[0], 1);
  current = &pool_of_nodes[0];
  long started[MOST];
  for (uint64_t i = 0; i < threads; ++i) started[i] = mtetso_spawn(worker, (void*)i);
  uint64_t sum = 0;
  for (uint64_t i = 0; i < threads; ++i) sum += mtetso_join(started[i]);
  if (sum != chosen->expected()) {
    print_number("got ", sum, "\n");
    return failed(chosen->name);
  }
  print(chosen->name);
  print_number(" ", sum, "\n");
  return 0;
}
