/* SPDX-License-Identifier: MIT */
/* A stack machine twice: dispatched by a switch, which is a jump table, and by addresses of labels.
 * Both run the same programs and must agree. */
#include "mtetso_guest.h"

/* Tables of code; a formatter takes them apart. */
/* clang-format off */

enum op { PUSH, ADD, SUB, MUL, LESS, JUMP, BRANCH, LOAD, STORE, DUP, MOD, HALT };
enum { CELLS = 64, STACK = 32 };

struct machine {
  int64_t cells[CELLS];
  int64_t stack[STACK];
  uint64_t steps;
};

/* cells[2] = how many divisors cells[0] has. */
static const int16_t divisors[] = {
    /*  0 */ PUSH, 1, STORE, 1,
    /*  4 */ LOAD, 0, LOAD, 1, LESS, BRANCH, 13, JUMP, 38,
    /* 13 */ LOAD, 0, LOAD, 1, MOD, BRANCH, 22, JUMP, 29,
    /* 22 */ LOAD, 2, PUSH, 1, ADD, STORE, 2,
    /* 29 */ LOAD, 1, PUSH, 1, ADD, STORE, 1, JUMP, 4,
    /* 38 */ HALT,
};

/* cells[2] = the cells[0]-th Fibonacci number modulo cells[1]. */
static const int16_t fibonacci[] = {
    /*  0 */ PUSH, 0, STORE, 2, PUSH, 1, STORE, 3,
    /*  8 */ PUSH, 0, LOAD, 0, LESS, BRANCH, 40,
    /* 15 */ LOAD, 2, LOAD, 3, ADD, LOAD, 1, MOD,
    /* 23 */ LOAD, 3, STORE, 2, STORE, 3,
    /* 29 */ LOAD, 0, PUSH, 1, SUB, STORE, 0, JUMP, 8, HALT, HALT,
    /* 40 */ HALT,
};

static void by_switch(struct machine* m, const int16_t* code) {
  int64_t* top = m->stack;
  for (const int16_t* at = code;;) {
    ++m->steps;
    switch (*at++) {
      case PUSH: *top++ = *at++; break;
      case ADD: --top, top[-1] += top[0]; break;
      case SUB: --top, top[-1] -= top[0]; break;
      case MUL: --top, top[-1] *= top[0]; break;
      case MOD: --top, top[-1] %= top[0]; break;
      case LESS: --top, top[-1] = top[-1] < top[0]; break;
      case DUP: *top = top[-1], ++top; break;
      case JUMP: at = code + *at; break;
      case BRANCH: at = *--top == 0 ? code + *at : at + 1; break;
      case LOAD: *top++ = m->cells[*at++]; break;
      case STORE: m->cells[*at++] = *--top; break;
      default: return;
    }
  }
}

static void by_label(struct machine* m, const int16_t* code) {
  static const void* const labels[] = {&&push, &&add,    &&sub,  &&mul,   &&less, &&jump,
                                       &&branch, &&load, &&store, &&dup, &&mod,  &&halt};
  int64_t* top = m->stack;
  const int16_t* at = code;
#define NEXT  \
  ++m->steps; \
  goto* labels[*at++]
  NEXT;
push: *top++ = *at++; NEXT;
add: --top, top[-1] += top[0]; NEXT;
sub: --top, top[-1] -= top[0]; NEXT;
mul: --top, top[-1] *= top[0]; NEXT;
mod: --top, top[-1] %= top[0]; NEXT;
less: --top, top[-1] = top[-1] < top[0]; NEXT;
dup: *top = top[-1], ++top; NEXT;
jump: at = code + *at; NEXT;
branch: at = *--top == 0 ? code + *at : at + 1; NEXT;
load: *top++ = m->cells[*at++]; NEXT;
store: m->cells[*at++] = *--top; NEXT;
halt: return;
#undef NEXT
}

/* clang-format on */

static int both(const char* name, const int16_t* code, int64_t a, int64_t b) {
  static struct machine one, other;
  struct machine* allocated = mtetso_allocate(sizeof *allocated);
  one = other = (struct machine){.cells = {a, b}};
  *allocated = other;
  by_switch(&one, code);
  by_label(allocated, code);
  for (int i = 0; i < CELLS; ++i)
    if (one.cells[i] != allocated->cells[i]) return failed(name);
  if (one.steps != allocated->steps) return failed("steps");
  print(name);
  print_number(" ", (uint64_t)one.cells[2], "");
  print_number(" in ", one.steps, "\n");
  return 0;
}

int main(void) {
  for (int64_t n = 0; n < 60; n += 13)
    if (both("fibonacci", fibonacci, n, 1000003) != 0) return 1;
  for (int64_t n = 3; n < 40; n += 9)
    if (both("divisors", divisors, n * 4, 0) != 0) return 1;
  return 0;
}
