/* SPDX-License-Identifier: MIT
 *
 * Code that is written after it ran, in memory that is both writable and executable: by the program
 * itself in every way that x86-64 allows, by another thread, and by the host.
 */
#include "mtetso_guest.h"

/* Functions that return what a `mov` puts in eax. The operand of the first is at its byte 1; the
 * one of `turn` is 6 bytes behind a jump that makes the change visible. */
__asm__(
    "  .section .wx, \"awx\", @progbits\n"
    "  .p2align 12\n"
    "  .globl answer, turn, turn_operand, loop_count, loop_operand, across, beside, arena, "
    "straight\n"
    "  .type answer, @function\n"
    "answer: mov $1, %eax\n"
    "  ret\n"
    "  .size answer, . - answer\n"
    /* Writes its own next instructions (edi), then jumps to them. */
    "  .type turn, @function\n"
    "turn: mov %edi, turn_operand\n"
    "  jmp 1f\n"
    "1: .byte 0xb8\n" /* mov $…, %eax */
    "turn_operand: .long 0\n"
    "  ret\n"
    "  .size turn, . - turn\n"
    /* The same without a jump: a serialising instruction instead. */
    "  .type straight, @function\n"
    "straight: mov %edi, straight_operand\n"
    "  push %rbx\n"
    "  xor %eax, %eax\n"
    "  cpuid\n"
    "  pop %rbx\n"
    "  .byte 0xb8\n"
    "straight_operand: .long 0\n"
    "  ret\n"
    "  .size straight, . - straight\n"
    /* A loop of edi rounds that adds an operand, which it increments itself in each round. */
    "  .type loop_count, @function\n"
    "loop_count: xor %eax, %eax\n"
    "2: .byte 0x05\n" /* add $…, %eax */
    "loop_operand: .long 1\n"
    "  addl $1, loop_operand\n"
    "  dec %edi\n"
    "  jnz 2b\n"
    "  ret\n"
    "  .size loop_count, . - loop_count\n"
    "beside: .quad 0\n"
    /* An instruction across the end of a page. */
    "  .p2align 12\n"
    "  .skip 4093\n"
    "  .type across, @function\n"
    "across: mov $7, %eax\n"
    "  ret\n"
    "  .size across, . - across\n"
    "  .p2align 12\n"
    "arena: .skip 8192\n"
    "  .text\n");

extern unsigned char answer[], turn[], straight[], loop_count[], across[], arena[];
extern uint32_t loop_operand;
extern uint64_t beside;

static uint32_t call(const void* code, uint32_t argument) {
  uint32_t (*function)(uint32_t);
  __builtin_memcpy(&function, &code, sizeof function);
  return function(argument);
}

/* Stores that the compiler does not move or widen. */
static void put32(unsigned char* at, uint32_t value) { *(volatile uint32_t*)at = value; }

static void copy_by_string(void* to, const void* from, uint64_t size) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");
}

static uint64_t exported(uint64_t a, uint64_t b) { return call(answer, 0) + a + b; }

static int by_stores(void) {
  for (uint32_t i = 0; i < 50; ++i) {
    put32(answer + 1, i);
    if (call(answer, 0) != i) return failed("a store of an operand");
    if (call(turn, 3 * i) != 3 * i) return failed("its own next instruction, behind a jump");
    if (call(straight, 5 * i) != 5 * i) return failed("its own next instruction, behind cpuid");
    beside += i; /* in the page of the code */
    answer[1] = (unsigned char)(i + 1);
    if (call(answer, 0) != ((i & ~255u) | ((i + 1) & 255))) return failed("a store of a byte");
  }
  if (beside != 49 * 50 / 2) return failed("data beside code");
  loop_operand = 1;
  if (call(loop_count, 100) != 5050) return failed("a loop that changes itself");
  return 0;
}

static int by_others(void) {
  uint32_t old = 0x11223344;
  put32(answer + 1, old);
  if (call(answer, 0) != old) return failed("a store");
  __asm__ volatile("lock addl $1, %0" : "+m"(*(uint32_t*)(answer + 1)));
  if (call(answer, 0) != old + 1) return failed("a locked addition");
  uint32_t next = 77;
  __asm__ volatile("xchgl %0, %1" : "+r"(next), "+m"(*(uint32_t*)(answer + 1)));
  if (next != old + 1 || call(answer, 0) != 77) return failed("an exchange");
  uint32_t expected = 77;
  if (!__atomic_compare_exchange_n((uint32_t*)(answer + 1), &expected, 78, 0, 5, 5) ||
      call(answer, 0) != 78)
    return failed("a compare and exchange");
  if (mtetso_call(exported, 1, 2) != 81) return failed("from the host");
  put32(answer + 1, 1000);
  if (mtetso_call(exported, 1, 2) != 1003) return failed("from the host, after a store");
  /* The host writes: what stands on standard input is an operand of four bytes. */
  if (mtetso_read(answer + 1, 4) != 4) return failed("no operand on standard input");
  if (call(answer, 0) != 0x64636261) return failed("a system call");
  return 0;
}

static int over_pages(void) {
  if (call(across, 0) != 7) return failed("across a page");
  across[1] = 9; /* the first page */
  if (call(across, 0) != 9) return failed("across a page, its first part");
  across[4] = 1; /* the second one */
  if (call(across, 0) != 0x01000009) return failed("across a page, its second part");
  put32(across + 1, 12); /* one store in both */
  if (call(across, 0) != 12) return failed("across a page, both parts");
  /* Code that is made at run time: mov $i, %eax; add $i, %eax; ret, in many places, then moved. */
  unsigned char made[11] = {0xb8, 0, 0, 0, 0, 0x05, 0, 0, 0, 0, 0xc3};
  for (uint32_t i = 1; i < 40; ++i) {
    __builtin_memcpy(made + 1, &i, 4);
    __builtin_memcpy(made + 6, &i, 4);
    unsigned char* at = arena + (i * 251) % 8000;
    copy_by_string(at, made, sizeof made);
    if (call(at, 0) != 2 * i) return failed("code made at run time");
    copy_by_string(arena + 4090, made, sizeof made);
    if (call(arena + 4090, 0) != 2 * i) return failed("code made across pages");
    copy_by_string(at, made + 5, 6); /* shorter: add $i, %eax is its first instruction now */
    at[6] = 0xc3;
    at[0] = 0xb8;
    if (call(at, 0) != i) return failed("code over other code");
  }
  return 0;
}

/* Two threads, as the manuals have it (SDM volume 3, 9.1.3): one writes and then says so, the other
 * waits for that, and calls. */
static volatile uint32_t said, seen;
enum { ROUNDS = 60 };

static uint64_t runs(void* unused) {
  (void)unused;
  for (uint32_t i = 1; i <= ROUNDS; ++i) {
    while (said != i) mtetso_yield();
    const uint32_t got = call(answer, 0);
    if (got != i) return 1000 + got;
    seen = i;
  }
  return 0;
}

/* Stays in the code that the other one changes, until it sees the change. */
static uint64_t spins(void* unused) {
  (void)unused;
  while (call(arena, 0) != 2) {
  }
  return 2;
}

static int by_threads(void) {
  long other = mtetso_spawn(runs, 0);
  for (uint32_t i = 1; i <= ROUNDS; ++i) {
    put32(answer + 1, i);
    said = i;
    while (seen != i) mtetso_yield();
    if (i % 7 == 0 && call(answer, 0) != i) return failed("the writer's own call");
  }
  if (mtetso_join(other) != 0) return failed("another thread's store");
  const unsigned char one[6] = {0xb8, 1, 0, 0, 0, 0xc3};
  copy_by_string(arena, one, sizeof one);
  long spinning[3];
  for (int i = 0; i < 3; ++i) spinning[i] = mtetso_spawn(spins, 0);
  for (int i = 0; i < 20; ++i) mtetso_yield();
  arena[1] = 2;
  for (int i = 0; i < 3; ++i)
    if (mtetso_join(spinning[i]) != 2) return failed("a thread that spins");
  return 0;
}

int main(void) {
  int wrong = by_stores();
  if (wrong == 0) wrong = by_others();
  if (wrong == 0) wrong = over_pages();
  if (wrong == 0) wrong = by_threads();
  if (wrong == 0) print("rewritten\n");
  return wrong;
}
