/* A tag check fault of each kind of instruction that accesses memory: forms KIND HANDLER
 *
 * Tagged memory: below `edge` the tag is the pointer's, from it on it is another. An access that
 * ought to straddle begins below the edge. QEMU looks at the first granule alone where SVE or LD1
 * of four registers access several. */
#include "crash.h"

enum { page = 4096, mte = 0x20, right = 5, wrong = 9 };
static char *below, *edge;

static void set_tags(char* from, size_t size, unsigned tag) {
  for (size_t at = 0; at < size; at += 16) {
    char* granule = (char*)((uintptr_t)(from + at) | (uintptr_t)tag << 56);
    __asm__ volatile("stg %0, [%0]" ::"r"(granule) : "memory");
  }
}

static void make_pages(void) {
  if (prctl(PR_SET_TAGGED_ADDR_CTRL,
            PR_TAGGED_ADDR_ENABLE | PR_MTE_TCF_SYNC | (0xfffeul << PR_MTE_TAG_SHIFT), 0, 0, 0))
    exit(1);
  char* both =
      mmap(NULL, 2 * page, PROT_READ | PROT_WRITE | mte, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  set_tags(both, page / 2, right);
  set_tags(both + page / 2, page, wrong);
  below = (char*)((uintptr_t)both | (uintptr_t)right << 56);
  edge = below + page / 2;
}

/* FORM(name, where the access begins, the instruction, whose operands begin with x0) */
#define FORM(name, start, text)                                                               \
  static NOINLINE void name(void) {                                                           \
    say("access", (uintptr_t)(start));                                                        \
    HERE();                                                                                   \
    register char* x0 __asm__("x0") = (start);                                                \
    register char* x1 __asm__("x1") = below;                                                  \
    register uint64_t x2 __asm__("x2") = 64;                                                  \
    __asm__ volatile(".arch armv9-a+memtag+sve+lse+mops\n" text                               \
                     : "+r"(x0), "+r"(x1), "+r"(x2)                                           \
                     :                                                                        \
                     : "x3", "x4", "x5", "x6", "v0", "v1", "v2", "v3", "p0", "cc", "memory"); \
  }

FORM(ldr, edge, "ldr x3, [x0]")
FORM(ldr_offset, edge, "sub x4, x0, #256\n ldr x3, [x4, #256]")
FORM(ldr_index, edge, "mov x5, #8\n sub x4, x0, #64\n ldr x3, [x4, x5, lsl #3]")
FORM(ldr_post, edge, "ldr x3, [x0], #16")
FORM(str_pre, edge, "sub x4, x0, #16\n str x3, [x4, #16]!")
FORM(ldrb, edge + 3, "ldrb w3, [x0]")
FORM(ldr_straddle, edge - 4, "ldr x3, [x0]")
FORM(ldr_q_straddle, edge - 8, "ldr q0, [x0]")
FORM(ldp, edge, "ldp x3, x4, [x0]")
FORM(ldp_straddle, edge - 8, "ldp x3, x4, [x0]")
FORM(ldp_q, edge - 16, "ldp q0, q1, [x0]")
FORM(stp, edge - 8, "stp x3, x4, [x0]")
FORM(ldxr, edge, "ldxr x3, [x0]")
FORM(stlr, edge, "stlr x3, [x0]")
FORM(cas, edge, "cas x3, x4, [x0]")
FORM(casp, edge, "mov x4, #0\n mov x5, #0\n mov x6, #0\n casp x4, x5, x2, x3, [x0]")
FORM(ldadd, edge, "ldadd x3, x4, [x0]")
FORM(swp, edge, "swpal x3, x4, [x0]")
FORM(ld1_one, edge, "ld1 {v0.b}[3], [x0]")
FORM(ld1_four, edge, "ld1 {v0.16b-v3.16b}, [x0]")
FORM(ld4, edge - 16, "ld4 {v0.8b-v3.8b}, [x0]")
FORM(ld1r, edge, "ld1r {v0.2d}, [x0]")
FORM(st1, edge - 16, "st1 {v0.16b,v1.16b}, [x0]")
FORM(dc_zva, edge + 20, "dc zva, x0")
FORM(sve_ld1b, edge + 4, "ptrue p0.b\n ld1b {z0.b}, p0/z, [x0]")
FORM(sve_st1b, edge + 4, "ptrue p0.b\n st1b {z0.b}, p0, [x0]")
FORM(sve_st1b_index, edge, "ptrue p0.b\n mov x5, #64\n sub x4, x0, #64\n st1b {z0.b}, p0, [x4, x5]")
FORM(sve_st1b_vl, edge, "ptrue p0.b\n addvl x4, x0, #-1\n st1b {z0.b}, p0, [x4, #1, mul vl]")
FORM(sve_ld1w_part, edge, "ptrue p0.s, vl4\n ld1w {z0.s}, p0/z, [x0]")
FORM(sve_ld2d, edge, "ptrue p0.d\n ld2d {z0.d,z1.d}, p0/z, [x0]")
FORM(sve_gather, edge, "ptrue p0.d\n index z1.d, #0, #8\n ld1d {z0.d}, p0/z, [x0, z1.d]")
FORM(sve_gather_vector, edge, "ptrue p0.d\n index z1.d, x0, #8\n ld1d {z0.d}, p0/z, [z1.d]")
FORM(sve_scatter, edge, "ptrue p0.d\n index z1.d, #0, #8\n st1d {z0.d}, p0, [x0, z1.d]")
FORM(sve_first_fault, edge, "ptrue p0.b\n setffr\n ldff1b {z0.b}, p0/z, [x0]")
FORM(sve_ldr, edge, "ldr z0, [x0]")
FORM(sve_ld1r, edge, "ptrue p0.d\n ld1rd {z0.d}, p0/z, [x0]")
FORM(mops_set, edge - 24,
     "mov x3, #0\n setp [x0]!, x2!, x3\n setm [x0]!, x2!, x3\n sete [x0]!, x2!, x3")
FORM(mops_copy_to, edge - 24,
     "cpyfp [x0]!, [x1]!, x2!\n cpyfm [x0]!, [x1]!, x2!\n cpyfe [x0]!, [x1]!, x2!")
FORM(mops_copy_from, edge - 24,
     "cpyfp [x1]!, [x0]!, x2!\n cpyfm [x1]!, [x0]!, x2!\n cpyfe [x1]!, [x0]!, x2!")
FORM(mops_copy_both_ways, edge - 24,
     "add x1, x1, #128\n cpyp [x0]!, [x1]!, x2!\n cpym [x0]!, [x1]!, x2!\n cpye [x0]!, [x1]!, x2!")

#define ROW(name) \
  { #name, name }
static const struct {
  const char* name;
  void (*run)(void);
} bugs[] = {
    ROW(ldr),
    ROW(ldr_offset),
    ROW(ldr_index),
    ROW(ldr_post),
    ROW(str_pre),
    ROW(ldrb),
    ROW(ldr_straddle),
    ROW(ldr_q_straddle),
    ROW(ldp),
    ROW(ldp_straddle),
    ROW(ldp_q),
    ROW(stp),
    ROW(ldxr),
    ROW(stlr),
    ROW(cas),
    ROW(casp),
    ROW(ldadd),
    ROW(swp),
    ROW(ld1_one),
    ROW(ld1_four),
    ROW(ld4),
    ROW(ld1r),
    ROW(st1),
    ROW(dc_zva),
    ROW(sve_ld1b),
    ROW(sve_st1b),
    ROW(sve_st1b_index),
    ROW(sve_st1b_vl),
    ROW(sve_ld1w_part),
    ROW(sve_ld2d),
    ROW(sve_gather),
    ROW(sve_gather_vector),
    ROW(sve_scatter),
    ROW(sve_first_fault),
    ROW(sve_ldr),
    ROW(sve_ld1r),
    ROW(mops_set),
    ROW(mops_copy_to),
    ROW(mops_copy_from),
    ROW(mops_copy_both_ways),
};

int main(int argc, char** argv) {
  if (argc < 3) return 1;
  make_pages();
  for (size_t i = 0; i < sizeof bugs / sizeof *bugs; ++i)
    if (!strcmp(bugs[i].name, argv[1])) return crash(bugs[i].run, argv[2], 0);
  return 1;
}
