/* One access of each kind that a tag check fault can come from: accesses FORM.
 *
 * Two pages, of which all has tag 3 but the granule at 128, which has tag 5; the access is by a
 * pointer with tag 3. "begin" is where it begins, "failed" is the granule that does not match. */
#include "mte.h"

static char* memory;

static char* at(int offset) {
  char* pointer = mte_with_tag(memory + offset, 3);
  mte_say("begin", (uintptr_t)pointer);
  return pointer;
}

#define ACCESS(text, pointer)                                                                      \
  __asm__ volatile(".arch armv9-a+memtag+sve2+mops\n\t" text ::"r"(pointer)                        \
                   : "memory", "x4", "x5", "x6", "x7", "x9", "x10", "x11", "v0", "v1", "v2", "v3", \
                     "p0")

int main(int argc, char** argv) {
  const char* form = argc > 1 ? argv[1] : "";
  mte_enable(PR_MTE_TCF_SYNC);
  memory = mte_map(2 * MTE_PAGE);
  for (int offset = 0; offset < 2 * MTE_PAGE; offset += MTE_GRANULE) mte_set(memory + offset, 3);
  mte_set(memory + 128, 5);
  mte_say("failed", (uintptr_t)memory + 128);
  mte_say("pointer", (uintptr_t)mte_with_tag(memory + 128, 3));
#define FORM(name) if (!strcmp(form, name))
  FORM("ldp") ACCESS("ldp x9, x10, [%0]", at(120));
  FORM("stp") ACCESS("stp q0, q1, [%0]", at(112));
  FORM("ldr-straddle") ACCESS("ldr x9, [%0]", at(124));
  FORM("pre-index") ACCESS("mov x11, %0; str x9, [x11, #-8]!", at(128) + 8);
  FORM("ld4") ACCESS("ld4 {v0.16b-v3.16b}, [%0]", at(120));
  FORM("st3-lane") ACCESS("st3 {v0.b-v2.b}[3], [%0]", at(126));
  FORM("ld1r") ACCESS("ld1r {v0.4s}, [%0]", at(132));
  FORM("cas") ACCESS("cas x9, x10, [%0]", at(128));
  FORM("casp") ACCESS("casp x4, x5, x6, x7, [%0]", at(128));
  FORM("swp") ACCESS("swpal x9, x10, [%0]", at(136));
  FORM("ldaddal") ACCESS("ldaddal w9, w10, [%0]", at(132));
  FORM("ldxr") ACCESS("ldxr x9, [%0]", at(128));
  FORM("stlxp") ACCESS("ldxp x9, x10, [%0]", at(128));
  FORM("ldar") ACCESS("ldar x9, [%0]", at(136));
  FORM("ldapr") ACCESS("ldapr x9, [%0]", at(136));
  FORM("ldapur") ACCESS("ldapur x9, [%0, #-8]", at(128) + 8);
  FORM("dc-zva") ACCESS("add x9, %0, #20; dc zva, x9", at(128));
  FORM("st1b") ACCESS("ptrue p0.b; st1b {z0.b}, p0, [%0]", at(128));
  FORM("st1b-vl")
  ACCESS("ptrue p0.b; rdvl x9, #1; sub x9, %0, x9; st1b {z0.b}, p0, [x9, #1, mul vl]", at(128));
  FORM("ld1w-index")
  ACCESS("ptrue p0.s; mov x9, #4; sub x10, %0, #16; ld1w {z0.s}, p0/z, [x10, x9, lsl #2]", at(128));
  FORM("ldff1b") ACCESS("ptrue p0.b; setffr; ldff1b {z0.b}, p0/z, [%0, xzr]", at(128));
  FORM("ldr-z") ACCESS("ldr z0, [%0]", at(120));
  FORM("gather")
  ACCESS("ptrue p0.d; index z0.d, #0, #8; add z0.d, z0.d, z0.d; ld1d {z0.d}, p0/z, [%0, z0.d]",
         at(128));
  FORM("gather-vector") ACCESS("ptrue p0.d; dup z0.d, %0; ld1d {z0.d}, p0/z, [z0.d]", at(128));
  FORM("scatter") ACCESS("ptrue p0.d; dup z0.d, %0; st1d {z1.d}, p0, [z0.d]", at(128));
  FORM("setp")
  ACCESS(
      "mov x9, %0; mov x10, #300; setp [x9]!, x10!, xzr; setm [x9]!, x10!, xzr; sete [x9]!, x10!, "
      "xzr",
      at(16));
  FORM("cpyfp-load")
  ACCESS(
      "mov x9, %0; add x11, %0, #1024; mov x10, #300; cpyfp [x11]!, [x9]!, x10!; cpyfm [x11]!, "
      "[x9]!, x10!; cpyfe [x11]!, [x9]!, x10!",
      at(16));
  FORM("cpyfp-store")
  ACCESS(
      "mov x9, %0; add x11, %0, #1024; mov x10, #300; cpyfp [x9]!, [x11]!, x10!; cpyfm [x9]!, "
      "[x11]!, x10!; cpyfe [x9]!, [x11]!, x10!",
      at(16));
  FORM("cpyp-down")
  ACCESS(
      "mov x9, %0; add x11, %0, #8; mov x10, #300; cpyp [x11]!, [x9]!, x10!; cpym [x11]!, [x9]!, "
      "x10!; cpye [x11]!, [x9]!, x10!",
      at(16));
  FORM("harmless")
  ACCESS("prfm pldl1keep, [%0]; dc cvac, %0; stg %0, [%0]; stgp x9, x10, [%0]; stg %0, [%0]",
         at(128));
  return 0;
}
