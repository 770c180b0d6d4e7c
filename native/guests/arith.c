/* SPDX-License-Identifier: MIT */
/* Results and flags of the integer instructions over pseudo-random and extreme inputs, hashed.
 * Run natively on x86-64 the same source says what they must be: one line an instruction, so that
 * a difference names its culprit. Flags that x86 leaves undefined are masked out. */
#include "mtetso_guest.h"

enum { CF = 1, ZF = 2, SF = 4, OF = 8, ALL = 15 };

/* Which flags an instruction defines. */
enum kind { EVERY, MULTIPLY, BIT, SCAN, SHIFT, ROTATE };

/* What an instruction reads and writes. The flags before it are those of comparing x with y. */
struct state {
  uint64_t a, b, x, y;
  unsigned flags;
};

static uint64_t seed = 88172645463325252u;

static uint64_t random64(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

/* Values on the edges of widths, as often as any others. */
static uint64_t input(void) {
  static const uint64_t edges[16] = {0,
                                     1,
                                     2,
                                     0x7f,
                                     0x80,
                                     0xff,
                                     0x7fff,
                                     0x8000,
                                     0xffff,
                                     0x7fffffff,
                                     0x80000000u,
                                     0xffffffffu,
                                     0x7fffffffffffffffu,
                                     0x8000000000000000u,
                                     0xffffffffffffffffu,
                                     0xffffffff80000000u};
  uint64_t r = random64();
  return (r & 1) != 0 ? edges[(r >> 8) % 16] : random64() >> ((r >> 4) & 63);
}

/* Tables of forms; a formatter takes them apart. */
/* clang-format off */

#define BEFORE "cmpq %[y], %[x]\n\t"
#define AFTER "\n\tsetc %[c]\n\tsetz %[z]\n\tsets %[s]\n\tseto %[o]"
#define FLAG_OUTPUTS [c] "=m"(c), [z] "=m"(z), [s] "=m"(s), [o] "=m"(o)
#define DEFINE(name, text, a_constraint, b_constraint)                                      \
  static void name(struct state* state) {                                                   \
    uint8_t c, z, s, o;                                                                     \
    uint64_t a = state->a, b = state->b;                                                    \
    __asm__ volatile(BEFORE text AFTER                                                      \
                     : [a] a_constraint(a), [b] b_constraint(b), FLAG_OUTPUTS               \
                     : [x] "r"(state->x), [y] "r"(state->y)                                 \
                     : "cc", "memory");                                                     \
    state->a = a, state->b = b;                                                             \
    state->flags = (unsigned)(c | z << 1 | s << 2 | o << 3);                                \
  }
/* Two operands: register from register, memory from register, in four widths. */
#define TWO(op)                                                \
  DEFINE(op##_b, #op "b %b[b], %b[a]", "+r", "+r")             \
  DEFINE(op##_w, #op "w %w[b], %w[a]", "+r", "+r")             \
  DEFINE(op##_l, #op "l %k[b], %k[a]", "+r", "+r")             \
  DEFINE(op##_q, #op "q %[b], %[a]", "+r", "+r")               \
  DEFINE(op##_mb, #op "b %b[b], %[a]", "+m", "+r")             \
  DEFINE(op##_mw, #op "w %w[b], %[a]", "+m", "+r")             \
  DEFINE(op##_ml, #op "l %k[b], %[a]", "+m", "+r")             \
  DEFINE(op##_mq, #op "q %[b], %[a]", "+m", "+r")              \
  DEFINE(op##_hi, #op "b %%ah, %%bh", "+b", "+a")              \
  DEFINE(op##_i, #op "q $-77, %[a]\n\t" #op "l $0x7ffffff1, %k[a]", "+r", "+r") \
  static const struct entry op##_all[] = {                     \
      {op##_b, 1}, {op##_w, 2}, {op##_l, 4}, {op##_q, 8}, {op##_mb, 1}, {op##_mw, 2}, \
      {op##_ml, 4}, {op##_mq, 8}, {op##_hi, 1}, {op##_i, 8}};
#define ONE(op, form)                                          \
  DEFINE(form##_b, op "b %b[a]", "+r", "+r")                   \
  DEFINE(form##_w, op "w %w[a]", "+r", "+r")                   \
  DEFINE(form##_l, op "l %k[a]", "+r", "+r")                   \
  DEFINE(form##_q, op "q %[a]", "+r", "+r")                    \
  DEFINE(form##_mb, op "b %[a]", "+m", "+r")                   \
  DEFINE(form##_mw, op "w %[a]", "+m", "+r")                   \
  DEFINE(form##_ml, op "l %[a]", "+m", "+r")                   \
  DEFINE(form##_mq, op "q %[a]", "+m", "+r")                   \
  static const struct entry form##_all[] = {                   \
      {form##_b, 1}, {form##_w, 2}, {form##_l, 4}, {form##_q, 8}, \
      {form##_mb, 1}, {form##_mw, 2}, {form##_ml, 4}, {form##_mq, 8}};
#define BY_CL(op)                                              \
  DEFINE(op##_b, #op "b %%cl, %b[a]", "+r", "+c")              \
  DEFINE(op##_w, #op "w %%cl, %w[a]", "+r", "+c")              \
  DEFINE(op##_l, #op "l %%cl, %k[a]", "+r", "+c")              \
  DEFINE(op##_q, #op "q %%cl, %[a]", "+r", "+c")               \
  DEFINE(op##_mw, #op "w %%cl, %[a]", "+m", "+c")              \
  DEFINE(op##_mq, #op "q %%cl, %[a]", "+m", "+c")              \
  static const struct entry op##_all[] = {                     \
      {op##_b, 1}, {op##_w, 2}, {op##_l, 4}, {op##_q, 8}, {op##_mw, 2}, {op##_mq, 8}};
/* By a constant: the count is in the text, and in b for the mask. */
#define BY_CONSTANT(op, n)                                     \
  DEFINE(op##n##_b, #op "b $" #n ", %b[a]", "+r", "+r")        \
  DEFINE(op##n##_w, #op "w $" #n ", %w[a]", "+r", "+r")        \
  DEFINE(op##n##_l, #op "l $" #n ", %k[a]", "+r", "+r")        \
  DEFINE(op##n##_q, #op "q $" #n ", %[a]", "+r", "+r")         \
  static const struct entry op##n##_all[] = {                  \
      {op##n##_b, 1}, {op##n##_w, 2}, {op##n##_l, 4}, {op##n##_q, 8}};
/* Locked, on memory: the old value comes back in b where the instruction gives it. */
#define LOCKED(op, form)                                       \
  DEFINE(form##_b, op "b %b[b], %[a]", "+m", "+r")             \
  DEFINE(form##_w, op "w %w[b], %[a]", "+m", "+r")             \
  DEFINE(form##_l, op "l %k[b], %[a]", "+m", "+r")             \
  DEFINE(form##_q, op "q %[b], %[a]", "+m", "+r")              \
  static const struct entry form##_all[] = {                   \
      {form##_b, 1}, {form##_w, 2}, {form##_l, 4}, {form##_q, 8}};
/* rax is x and one of the inputs: equal to what is in memory now and then. */
#define COMPARE(op, form, suffix, modifier)                                                   \
  static void form(struct state* state) {                                                     \
    uint8_t c, z, s, o;                                                                       \
    uint64_t a = state->a, rax = (state->b & 1) != 0 ? state->a : state->x;                   \
    __asm__ volatile(BEFORE op suffix " %" modifier "[b], %[a]" AFTER                         \
                     : [a] "+m"(a), [x] "+a"(rax), FLAG_OUTPUTS                               \
                     : [b] "r"(state->b), [y] "r"(state->y)                                   \
                     : "cc", "memory");                                                       \
    state->a = a, state->b = rax;                                                             \
    state->flags = (unsigned)(c | z << 1 | s << 2 | o << 3);                                  \
  }

struct entry {
  void (*run)(struct state*);
  unsigned size;
};

TWO(add) TWO(adc) TWO(sub) TWO(sbb) TWO(and) TWO(or) TWO(xor) TWO(cmp) TWO(test) TWO(mov)
ONE("inc", inc) ONE("dec", dec) ONE("neg", neg) ONE("not", not)
BY_CL(shl) BY_CL(shr) BY_CL(sar) BY_CL(rol) BY_CL(ror)
BY_CONSTANT(shl, 1) BY_CONSTANT(shr, 1) BY_CONSTANT(sar, 1) BY_CONSTANT(rol, 1)
BY_CONSTANT(ror, 1) BY_CONSTANT(shl, 7) BY_CONSTANT(shr, 7) BY_CONSTANT(sar, 7)
BY_CONSTANT(rol, 5) BY_CONSTANT(ror, 5)
LOCKED("lock add", lock_add) LOCKED("lock sub", lock_sub) LOCKED("lock and", lock_and)
LOCKED("lock or", lock_or) LOCKED("lock xor", lock_xor) LOCKED("lock xadd", lock_xadd)
LOCKED("xadd", xadd) LOCKED("xchg", xchg)
COMPARE("lock cmpxchg", cmpxchg_b, "b", "b") COMPARE("lock cmpxchg", cmpxchg_w, "w", "w")
COMPARE("lock cmpxchg", cmpxchg_l, "l", "k") COMPARE("cmpxchg", cmpxchg_q, "q", "q")
static const struct entry cmpxchg_all[] = {
    {cmpxchg_b, 1}, {cmpxchg_w, 2}, {cmpxchg_l, 4}, {cmpxchg_q, 8}};

DEFINE(lock_inc_b, "lock incb %[a]", "+m", "+r")
DEFINE(lock_inc_q, "lock incq %[a]", "+m", "+r")
DEFINE(lock_dec_w, "lock decw %[a]", "+m", "+r")
DEFINE(lock_dec_l, "lock decl %[a]", "+m", "+r")
static const struct entry lock_inc_all[] = {
    {lock_inc_b, 1}, {lock_inc_q, 8}, {lock_dec_w, 2}, {lock_dec_l, 4}};

DEFINE(imul_w, "imulw %w[b], %w[a]", "+r", "+r")
DEFINE(imul_l, "imull %k[b], %k[a]", "+r", "+r")
DEFINE(imul_q, "imulq %[b], %[a]", "+r", "+r")
DEFINE(imul_3w, "imulw $-300, %w[b], %w[a]", "+r", "+r")
DEFINE(imul_3l, "imull $77777, %k[b], %k[a]", "+r", "+r")
DEFINE(imul_3q, "imulq $-3, %[b], %[a]", "+r", "+r")
static const struct entry imul_all[] = {
    {imul_w, 2}, {imul_l, 4}, {imul_q, 8}, {imul_3w, 2}, {imul_3l, 4}, {imul_3q, 8}};

/* rdx:rax = rax * b, with a in rax; rdx comes back in b. */
#define WIDE_MULTIPLY(op, form, suffix, modifier)                                              \
  static void form(struct state* state) {                                                      \
    uint8_t c, z, s, o;                                                                        \
    uint64_t rdx = state->x;                                                                   \
    __asm__ volatile(BEFORE op suffix " %" modifier "[b]" AFTER                                \
                     : "+a"(state->a), "+d"(rdx), FLAG_OUTPUTS                                 \
                     : [b] "r"(state->b), [x] "r"(state->x), [y] "r"(state->y)                 \
                     : "cc");                                                                  \
    state->b = rdx;                                                                            \
    state->flags = (unsigned)(c | z << 1 | s << 2 | o << 3);                                   \
  }
WIDE_MULTIPLY("mul", mul_b, "b", "b") WIDE_MULTIPLY("mul", mul_w, "w", "w")
WIDE_MULTIPLY("mul", mul_l, "l", "k") WIDE_MULTIPLY("mul", mul_q, "q", "q")
WIDE_MULTIPLY("imul", imul1_b, "b", "b") WIDE_MULTIPLY("imul", imul1_w, "w", "w")
WIDE_MULTIPLY("imul", imul1_l, "l", "k") WIDE_MULTIPLY("imul", imul1_q, "q", "q")
static const struct entry mul_all[] = {{mul_b, 1}, {mul_w, 2}, {mul_l, 4}, {mul_q, 8},
                                       {imul1_b, 1}, {imul1_w, 2}, {imul1_l, 4}, {imul1_q, 8}};

DEFINE(bt_w, "btw %w[b], %w[a]", "+r", "+r")
DEFINE(bt_l, "btl %k[b], %k[a]", "+r", "+r")
DEFINE(bt_q, "btq %[b], %[a]", "+r", "+r")
DEFINE(bt_i, "btl $9, %[a]", "+m", "+r")
static const struct entry bt_all[] = {{bt_w, 2}, {bt_l, 4}, {bt_q, 8}, {bt_i, 4}};

DEFINE(bsf_l, "orl $16, %k[b]\n\tbsfl %k[b], %k[a]", "+r", "+r")
DEFINE(bsf_q, "orq $16, %[b]\n\tbsfq %[b], %[a]", "+r", "+r")
DEFINE(bsr_l, "orl $16, %k[b]\n\tbsrl %k[b], %k[a]", "+r", "+r")
DEFINE(bsr_q, "orq $16, %[b]\n\tbsrq %[b], %[a]", "+r", "+r")
static const struct entry scan_all[] = {{bsf_l, 4}, {bsf_q, 8}, {bsr_l, 4}, {bsr_q, 8}};

DEFINE(movzx, "movzbl %b[b], %k[a]\n\taddq %[a], %[b]\n\tmovzwq %w[b], %[a]", "+r", "+r")
DEFINE(movsx, "movsbw %b[b], %w[a]\n\tsubq %[a], %[b]\n\tmovslq %k[b], %[a]", "+r", "+r")
DEFINE(movsx_m, "movq %[b], %[a]\n\tmovsbq %[a], %[b]\n\taddq %[b], %[a]\n\tmovswl %[a], %k[b]",
       "+m", "+r")
DEFINE(high, "movb %%ah, %%bl\n\tmovb %%bh, %%al\n\tmovb $3, %%ah\n\tmovzbl %%bh, %%ebx", "+a", "+b")
DEFINE(lea, "leaq 12345(%[b],%[a],4), %[a]\n\tleal -1(%[a],%[b]), %k[b]\n\tleaw (%[a]), %w[b]",
       "+r", "+r")
DEFINE(lea_32, "leal 5(%k[a],%k[b],8), %k[a]\n\tleaq (,%[b],2), %[b]", "+r", "+r")
DEFINE(bswap, "bswapl %k[a]\n\tbswapq %[b]\n\txchgb %b[a], %b[b]\n\txchgw %w[a], %w[b]", "+r", "+r")
DEFINE(extend, "cbtw\n\taddq %[b], %[a]\n\tcwtl\n\tsubl %k[b], %k[a]\n\tcltq", "+a", "+r")
DEFINE(extend_d, "cwtd\n\txorq %[b], %[a]", "+a", "+d")
DEFINE(extend_dq, "cltd\n\taddq %[b], %[a]\n\tcqto", "+a", "+d")
DEFINE(stack, "subq $128, %%rsp\n\tpushq %[a]\n\tpushq $-5\n\tpushq %[b]\n\tpopq %[a]\n\t"
              "popq %[b]\n\tpopq %[b]\n\taddq $128, %%rsp", "+r", "+r")
/* Strings, in a buffer of this function's own: b says how many. */
#define STRING(form, text)                                                                   \
  static void form(struct state* state) {                                                    \
    uint8_t buffer[160];                                                                     \
    for (int i = 0; i < 160; ++i) buffer[i] = (uint8_t)(i * 7 + state->x);                   \
    void *to = buffer + 1 + state->y % 5, *from = buffer + 40;                               \
    uint64_t count = state->b % 9;                                                           \
    __asm__ volatile(text : "+D"(to), "+S"(from), "+c"(count) : "a"(state->a) : "memory");   \
    state->a = count + (uint64_t)((uint8_t*)to - buffer) * 256 +                             \
               (uint64_t)((uint8_t*)from - buffer) * 65536;                                  \
    for (int i = 0; i < 160; ++i) state->a = state->a * 31 + buffer[i];                      \
    state->flags = 0;                                                                        \
  }
STRING(stosb, "rep stosb") STRING(stosw, "rep stosw") STRING(stosl, "rep stosl")
STRING(stosq, "rep stosq") STRING(movsb, "rep movsb") STRING(movsw, "movsw")
STRING(movsl, "rep movsl") STRING(movsq, "rep movsq")
static const struct entry string_all[] = {{stosb, 1}, {stosw, 2}, {stosl, 4}, {stosq, 8},
                                          {movsb, 1}, {movsw, 2}, {movsl, 4}, {movsq, 8}};
static const struct entry move_all[] = {{movzx, 8}, {movsx, 8}, {movsx_m, 8}, {high, 8}, {lea, 8},
                                        {lea_32, 8}, {bswap, 8}, {extend, 8}, {extend_d, 8},
                                        {extend_dq, 8}, {stack, 8}};

#define CONDITIONAL(cc)                                                                     \
  DEFINE(cmov##cc, "cmov" #cc "q %[b], %[a]\n\tcmov" #cc "l %k[a], %k[b]\n\t"               \
         "cmov" #cc "w %w[b], %w[a]", "+r", "+r")                                           \
  DEFINE(set##cc, "set" #cc " %b[a]\n\tset" #cc " %h[b]", "+r", "+Q")                       \
  DEFINE(jump##cc, "j" #cc " 1f\n\tleaq 1(%[a]), %[a]\n1:\tset" #cc " %b[b]", "+r", "+r")
CONDITIONAL(o) CONDITIONAL(no) CONDITIONAL(b) CONDITIONAL(nb) CONDITIONAL(z) CONDITIONAL(nz)
CONDITIONAL(be) CONDITIONAL(nbe) CONDITIONAL(s) CONDITIONAL(ns) CONDITIONAL(l) CONDITIONAL(nl)
CONDITIONAL(le) CONDITIONAL(nle)
#define OF_CONDITION(cc) {cmov##cc, 8}, {set##cc, 8}, {jump##cc, 8}
static const struct entry condition_all[] = {
    OF_CONDITION(o), OF_CONDITION(no), OF_CONDITION(b),  OF_CONDITION(nb), OF_CONDITION(z),
    OF_CONDITION(nz), OF_CONDITION(be), OF_CONDITION(nbe), OF_CONDITION(s), OF_CONDITION(ns),
    OF_CONDITION(l), OF_CONDITION(nl), OF_CONDITION(le), OF_CONDITION(nle)};

/* clang-format on */

static unsigned defined(enum kind kind, unsigned size, uint64_t b) {
  unsigned count = b & (size == 8 ? 63 : 31);
  switch (kind) {
    case EVERY:
      return ALL;
    case MULTIPLY:
      return CF | OF;
    case BIT:
      return CF | ZF;
    case SCAN:
      return ZF;
    case SHIFT:
      if (count == 0) return ALL;
      return ZF | SF | (count < 8 * size ? CF : 0) | (count == 1 ? OF : 0);
    case ROTATE:
      if (count == 0) return ALL;
      return ZF | SF | CF | (count == 1 ? OF : 0);
  }
  return 0;
}

static void check(const char* name, const struct entry* entries, size_t count, enum kind kind,
                  uint64_t rounds, int64_t fixed) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < count; ++i) {
      struct state state = {input(), input(), input(), input(), 0};
      if (fixed >= 0) state.b = (uint64_t)fixed;
      unsigned mask = defined(kind, entries[i].size, state.b);
      entries[i].run(&state);
      uint64_t words[3] = {state.a, state.b, state.flags & mask};
      for (int w = 0; w < 3; ++w) hash = (hash ^ words[w]) * 0x100000001b3u + (hash >> 29);
    }
  }
  print(name);
  print_number(" ", hash, "\n");
}

#define CHECK(name, kind) \
  check(#name, name##_all, sizeof name##_all / sizeof *name##_all, kind, rounds, -1)
#define CHECK_BY(name, kind, n) \
  check(#name #n, name##n##_all, sizeof name##n##_all / sizeof *name##n##_all, kind, rounds, n)

int main(int argc, char** argv) {
  uint64_t rounds = argument_or(argc, argv, 50);
  CHECK(add, EVERY);
  CHECK(adc, EVERY);
  CHECK(sub, EVERY);
  CHECK(sbb, EVERY);
  CHECK(and, EVERY);
  CHECK(or, EVERY);
  CHECK(xor, EVERY);
  CHECK(cmp, EVERY);
  CHECK(test, EVERY);
  CHECK(mov, EVERY);
  CHECK(inc, EVERY);
  CHECK(dec, EVERY);
  CHECK(neg, EVERY);
  CHECK(not, EVERY);
  CHECK(move, EVERY);
  CHECK(shl, SHIFT);
  CHECK(shr, SHIFT);
  CHECK(sar, SHIFT);
  CHECK(rol, ROTATE);
  CHECK(ror, ROTATE);
  CHECK_BY(shl, SHIFT, 1);
  CHECK_BY(shr, SHIFT, 1);
  CHECK_BY(sar, SHIFT, 1);
  CHECK_BY(rol, ROTATE, 1);
  CHECK_BY(ror, ROTATE, 1);
  CHECK_BY(shl, SHIFT, 7);
  CHECK_BY(shr, SHIFT, 7);
  CHECK_BY(sar, SHIFT, 7);
  CHECK_BY(rol, ROTATE, 5);
  CHECK_BY(ror, ROTATE, 5);
  CHECK(lock_add, EVERY);
  CHECK(lock_sub, EVERY);
  CHECK(lock_and, EVERY);
  CHECK(lock_or, EVERY);
  CHECK(lock_xor, EVERY);
  CHECK(lock_xadd, EVERY);
  CHECK(xadd, EVERY);
  CHECK(xchg, EVERY);
  CHECK(cmpxchg, EVERY);
  CHECK(lock_inc, EVERY);
  CHECK(imul, MULTIPLY);
  CHECK(mul, MULTIPLY);
  CHECK(bt, BIT);
  CHECK(scan, SCAN);
  CHECK(condition, EVERY);
  CHECK(string, EVERY);
  return 0;
}
