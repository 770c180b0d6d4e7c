// SPDX-License-Identifier: MIT
//
// A plugin for QEMU's system emulation: counts the instructions that programs execute, by page.
// Usage: -plugin count_plugin.so,out=FILE
//
// The instruction `hint #120` (no hint has that number: it does nothing) appends to FILE a line
// "PAGE COUNT" (hexadecimal, decimal) for each page of the lower half of the address space that
// instructions were executed from since the last one, then "end", and all begins anew. It counts
// instructions that were begun: one that faults counts each time. For machines with one processor.
//
// QEMU's own header is in no package: this is the part of its interface (version 4,
// docs/devel/tcg-plugins.rst) that is used.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
typedef struct {
  struct qemu_plugin_scoreboard* score;
  size_t offset;
} qemu_plugin_u64;
enum { QEMU_PLUGIN_CB_NO_REGS = 0, QEMU_PLUGIN_INLINE_ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t,
                                           void (*)(qemu_plugin_id_t, struct qemu_plugin_tb*));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb*);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb*, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn*);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn*, void*, size_t);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn*, void (*)(unsigned, void*),
                                            int flags, void*);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn*, int operation,
                                                         qemu_plugin_u64, uint64_t);
struct qemu_plugin_scoreboard* qemu_plugin_scoreboard_new(size_t);
uint64_t qemu_plugin_u64_get(qemu_plugin_u64, unsigned);
void qemu_plugin_u64_set(qemu_plugin_u64, unsigned, uint64_t);

EXPORT int qemu_plugin_version = 4;

enum { kPages = 1 << 16, kPageShift = 12, kLowerHalf = 48, kMark = 0xd503201f | 120 << 5 };

static struct qemu_plugin_scoreboard* g_counts;  // a counter for each of g_pages
static uint64_t g_pages[kPages];                 // hashed, openly; 0: free
static const char* g_file;

static qemu_plugin_u64 counter(size_t slot) {
  const qemu_plugin_u64 at = {g_counts, slot * sizeof(uint64_t)};
  return at;
}

static size_t slot_of(uint64_t page) {
  size_t slot = page * 0x9e3779b97f4a7c15 >> 48;
  for (size_t tried = 0; tried < kPages; ++tried, slot = (slot + 1) % kPages) {
    if (g_pages[slot] == 0) g_pages[slot] = page;
    if (g_pages[slot] == page) return slot;
  }
  fprintf(stderr, "count_plugin: too many pages\n");
  abort();
}

static void report(unsigned cpu, void* unused) {
  (void)unused;
  FILE* out = fopen(g_file, "a");
  if (out == NULL) abort();
  for (size_t slot = 0; slot < kPages; ++slot) {
    const uint64_t count = g_pages[slot] == 0 ? 0 : qemu_plugin_u64_get(counter(slot), cpu);
    if (count == 0) continue;
    fprintf(out, "%llx %llu\n", (unsigned long long)g_pages[slot], (unsigned long long)count);
    qemu_plugin_u64_set(counter(slot), cpu, 0);
  }
  fputs("end\n", out);
  if (fclose(out) != 0) abort();
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); ++i) {
    struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, i);
    const uint64_t at = qemu_plugin_insn_vaddr(insn);
    if (at >> kLowerHalf != 0) continue;  // the kernel
    const qemu_plugin_u64 count = counter(slot_of(at >> kPageShift));
    qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64, count, 1);
    uint32_t word = 0;
    if (qemu_plugin_insn_data(insn, &word, sizeof word) == sizeof word && word == kMark)
      qemu_plugin_register_vcpu_insn_exec_cb(insn, report, QEMU_PLUGIN_CB_NO_REGS, NULL);
  }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int argc, char** argv) {
  (void)info;
  if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) return -1;
  g_file = strdup(argv[0] + 4);
  g_counts = qemu_plugin_scoreboard_new(kPages * sizeof(uint64_t));
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
