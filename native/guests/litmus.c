/* SPDX-License-Identifier: MIT */
/* Litmus tests in lockstep: many rounds in one run, each on code that has never run and memory that
 * nobody has touched.
 *
 *   litmus.elf THREADS ROUNDS [common]
 *
 * THREADS: a word for each thread, "WW01 RR10": what its two accesses are, and of which cells.
 * ROUNDS: for each round a letter for each cell: 's' is shared memory, 'l' is allocated in the turn
 * that the schedule gives for it, local to that turn's core; then one for each thread: 'w' is warm,
 * its instructions have run once before, on shared memory, 'n' is new. `common`: threads of one
 * shape run the same instructions; otherwise each has its own.
 *
 * The schedule decides who goes when (tests/soundness/schedules.py writes it): every wait here is a
 * yield, which ends a turn. Between the yield in its body and the body's `ret`, a thread executes
 * nothing but its accesses, so that with `--step 1` each is a turn.
 *
 * The thread with index t writes 2t + 1 and then 2t + 2. A line a round is printed: what the
 * accesses read ('-' where they do not) and, behind '|', what the cells held in the end. */
#include "mtetso_guest.h"

enum { THREADS = 4, CELLS = 3, COPIES = 2048, STRIDE = 32, STACK = 4096, LINE = 64 };

/* rsi, rdi: the cells; rdx, r8: the values; rax, rcx, rdx: what is read. */
#define BODIES(X)                                         \
  X(WW, "mov %rdx, (%rsi)\n mov %r8, (%rdi)\n")           \
  X(RR, "mov (%rsi), %rax\n mov (%rdi), %rcx\n")          \
  X(WR, "mov %rdx, (%rsi)\n mov (%rdi), %rcx\n")          \
  X(RW, "mov (%rsi), %rax\n mov %r8, (%rdi)\n")           \
  X(FW, "mov %rdx, (%rsi)\n mfence\n mov (%rdi), %rcx\n") \
  X(WN, "mov %rdx, (%rsi)\n")                             \
  X(XR, "xchg %rdx, (%rsi)\n mov (%rdi), %rcx\n")

#define BODY_COPIES(name, body)                                    \
  __asm__(".pushsection .text\n.p2align 5\nlitmus_" #name          \
          ":\n.rept 2048\n.p2align 5\n"                            \
          "call mtetso_yield\n" body "ret\n.endr\n.popsection\n"); \
  extern const char litmus_##name[];
BODIES(BODY_COPIES)

static const struct shape {
  char name[2];
  const char* bodies;
} shapes[] = {
#define SHAPE(name, body) {#name, litmus_##name},
    BODIES(SHAPE)
#undef SHAPE
};

struct part {
  int warm;
  const char* body;
  volatile uint64_t* cells[2];
  uint64_t values[2];
  uint64_t read[2];
};

static volatile struct part parts[THREADS];
static struct cell {
  volatile uint64_t value;
  uint64_t padding;
} common_cells[COPIES][CELLS] __attribute__((aligned(16)));
static char stacks[THREADS][STACK] __attribute__((used, aligned(16)));

static void run_body(volatile struct part* part) {
  uint64_t first = 0, second = 0, exchanged = part->values[0];
  register uint64_t value __asm__("r8") = part->values[1];
  __asm__ volatile("call *%[body]"
                   : "+a"(first), "+c"(second), "+d"(exchanged)
                   : [body] "r"(part->body), "S"(part->cells[0]), "D"(part->cells[1]), "r"(value)
                   : "memory", "cc");
  part->read[0] = first, part->read[1] = second;
  if (exchanged != part->values[0]) part->read[0] = exchanged;
}

/* Runs on a stack in the image: shared memory, so that a migration changes no tag of it. */
__attribute__((used, noreturn)) static void rounds_of(uint64_t index) {
  for (;;) {
    mtetso_yield();
    volatile struct part* part = &parts[index];
    if (part->warm) {
      static struct cell warmth __attribute__((aligned(16)));
      volatile uint64_t* cells[2] = {part->cells[0], part->cells[1]};
      part->cells[0] = part->cells[1] = &warmth.value;
      run_body(part);
      part->cells[0] = cells[0], part->cells[1] = cells[1];
    }
    run_body(part);
  }
}

uint64_t worker(void* index);
__asm__(
    ".text\n.globl worker\n.type worker, @function\nworker:\n"
    "mov %rdi, %rax\n inc %rax\n shl $12, %rax\n"
    "lea stacks(%rax), %rsp\n call rounds_of\n ud2\n.size worker, . - worker\n");
_Static_assert(STACK == 1 << 12 && STRIDE == 1 << 5 && COPIES == 2048, "written in the assembly");

static const struct shape* shape_of(const char* word) {
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; ++i)
    if (word[0] == shapes[i].name[0] && word[1] == shapes[i].name[1]) return &shapes[i];
  return NULL;
}

/* Of FW the second access reads, behind a fence; X reads and writes; N is nothing. */
static int reads(const char* shape, int access) {
  if (shape[0] == 'F') return access == 1;
  return shape[access] == 'R' || shape[access] == 'X';
}

static char* put_number(char* at, uint64_t number) {
  if (number >= 10) *at++ = (char)('0' + number / 10 % 10);
  *at++ = (char)('0' + number % 10);
  return at;
}

static void print_round(const char* threads[], int count, volatile uint64_t* cells[]) {
  char line[LINE], *at = line;
  for (int t = 0; t < count; ++t)
    for (int i = 0; i < 2; ++i) {
      if (reads(threads[t], i))
        at = put_number(at, parts[t].read[i]);
      else
        *at++ = '-';
      *at++ = ' ';
    }
  *at++ = '|';
  for (int i = 0; i < CELLS; ++i) *at++ = ' ', at = put_number(at, *cells[i]);
  *at++ = '\n';
  mtetso_write(line, (size_t)(at - line));
}

int main(int argc, char** argv) {
  if (argc < 3) return failed("litmus THREADS ROUNDS [common]");
  const char* threads[THREADS];
  int count = 0, common = argc > 3;
  for (const char* word = argv[1]; *word != '\0'; word += word[4] == ' ' ? 5 : 4) {
    if (count == THREADS || shape_of(word) == NULL) return failed("threads");
    threads[count++] = word;
  }
  for (int t = 0; t < count; ++t)
    if (mtetso_spawn(worker, (void*)(uint64_t)t) < 0) return failed("no thread");
  mtetso_yield();
  volatile uint64_t* cells[CELLS];
  int copy = 0;
  for (const char* word = argv[2]; *word != '\0';
       word += CELLS + count, copy += common ? 1 : count) {
    if (copy + count > COPIES) return failed("too many rounds");
    for (int i = 0; i < CELLS; ++i) {
      mtetso_yield();
      cells[i] = word[i] == 's' ? &common_cells[copy][i].value : mtetso_allocate(16);
    }
    for (int t = 0; t < count; ++t) {
      volatile struct part* part = &parts[t];
      part->body = shape_of(threads[t])->bodies + STRIDE * (copy + (common ? 0 : t));
      part->warm = word[CELLS + t] == 'w';
      part->values[0] = 2 * (uint64_t)t + 1, part->values[1] = 2 * (uint64_t)t + 2;
      part->cells[0] = cells[threads[t][2] - '0'], part->cells[1] = cells[threads[t][3] - '0'];
    }
    mtetso_yield();
    print_round(threads, count, cells);
  }
  return 0;
}
