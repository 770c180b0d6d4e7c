/* SPDX-License-Identifier: MIT */
/* Counters that threads share: under a spin lock, under a ticket lock, by a locked add, by a locked
 * add over two cache lines, by a compare-and-swap of 16 bytes, by adc and by single bits. Each must
 * have counted every turn. */
#include "mtetso_guest.h"

enum { MOST = 8, DEFAULT_THREADS = 3, DEFAULT_TURNS = 40 };

static uint64_t turns;
static int spin;
static struct { uint32_t next, serving; } ticket;
static uint64_t by_spin, by_ticket, by_add;
static struct {
  char padding[61];
  uint64_t count;
} __attribute__((packed, aligned(64))) split;
static struct pair { uint64_t count, twice; } pair __attribute__((aligned(16)));
static uint64_t by_carry[2];
static uint32_t bits[MOST];

static void spin_lock(void) {
  while (__atomic_exchange_n(&spin, 1, __ATOMIC_ACQUIRE) != 0) mtetso_yield();
}

static void ticket_lock(void) {
  uint32_t mine = __atomic_fetch_add(&ticket.next, 1, __ATOMIC_RELAXED);
  while (__atomic_load_n(&ticket.serving, __ATOMIC_ACQUIRE) != mine) mtetso_yield();
}

static void count_pair(void) {
  struct pair seen = {0, 0};
  uint8_t done = 0;
  while (!done)
    __asm__ volatile("lock cmpxchg16b %[pair]\n\tsete %[done]"
                     : [pair] "+m"(pair), "+a"(seen.count), "+d"(seen.twice), [done] "=q"(done)
                     : "b"(seen.count + 1), "c"(seen.twice + 2)
                     : "cc", "memory");
}

static uint64_t body(void* argument) {
  uint64_t mine = (uint64_t)argument;
  for (uint64_t i = 0; i < turns; ++i) {
    spin_lock();
    ++by_spin;
    __atomic_store_n(&spin, 0, __ATOMIC_RELEASE);
    ticket_lock();
    ++by_ticket;
    __atomic_store_n(&ticket.serving, ticket.serving + 1, __ATOMIC_RELEASE);
    __atomic_fetch_add(&by_add, 1, __ATOMIC_SEQ_CST);
    __asm__ volatile("lock incq %0" : "+m"(split.count)::"cc");
    count_pair();
    __asm__ volatile("stc\n\tlock adcq $0, %0" : "+m"(by_carry[mine & 1])::"cc");
    uint8_t was;
    __asm__ volatile("lock btcl %[bit], %[all]\n\tsetc %[was]"
                     : [all] "+m"(bits[0]), [was] "=q"(was)
                     : [bit] "r"((uint32_t)(32 * mine))
                     : "cc", "memory");
    if (was != (i & 1)) return 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  turns = argument_or(argc, argv, DEFAULT_TURNS) & ~UINT64_C(1);
  uint64_t count = argument_or(argc - 1, argv + 1, DEFAULT_THREADS);
  if (count < 2 || count > MOST) return failed("locks [turns [2 to 8]]");
  long threads[MOST];
  uint64_t wrong = 0, all = count * turns;
  for (uint64_t i = 0; i < count; ++i) threads[i] = mtetso_spawn(body, (void*)i);
  for (uint64_t i = 0; i < count; ++i) wrong += mtetso_join(threads[i]);
  if (wrong != 0) return failed("bits");
  if (by_spin != all) return failed("spin lock");
  if (by_ticket != all) return failed("ticket lock");
  if (by_add != all) return failed("locked add");
  if (split.count != all) return failed("split lock");
  if (pair.count != all || pair.twice != 2 * all) return failed("pair");
  if (by_carry[0] + by_carry[1] != all) return failed("locked adc");
  print_number("locks ", all, "\n");
  return 0;
}
