// SPDX-License-Identifier: MIT
#include "fault/patch.h"

#include <atomic>

#include "code/memop_words.h"
#include "debug/trace.h"
#include "memory/barriers.h"

namespace mtetso {
namespace {

// Apart: it is the rare case, and those that write words call nothing else.
[[gnu::noinline, gnu::cold]] void trace_word(uintptr_t pc, uint32_t word) {
  trace({.kind = TraceKind::Word, .address = pc, .first = word});
}

// One aligned store: a fetch sees the old word or the new one.
void write_word(const Patch& patch, uintptr_t pc, uint32_t word) {
  std::atomic_ref(*patch.writable(pc)).store(word, std::memory_order_release);
  if (tracing()) trace_word(pc, word);
}

// [begin, end] of code, for this core; others also need synchronize_cores().
void clean_words(const Patch& patch, uintptr_t begin, uintptr_t end) {
  clean_code(patch.writable(begin), reinterpret_cast<const void*>(begin),
             end - begin + sizeof(uint32_t));
}

}  // namespace

void write_access(const Patch& patch) {
  const uintptr_t pc = patch.memop.address;
  // Code::commit() checked that the word is the access that the record says. A locked one is the
  // same in every mode.
  const mtedbg_Memop& memop = patch.memop;
  const uint32_t word = *patch.writable(pc);
  const bool store = memop.access == MTEDBG_Access_Store;
  write_word(patch, pc,
             memop.access == MTEDBG_Access_ReadModifyWrite
                 ? word
                 : load_store_word(store, memop.size, word & 31, patch.mode));
}

void write_tag_insert(const Patch& patch) {
  if (patch.memop.tag_address == 0) return;
  const uintptr_t pc = patch.memop.tag_address;
  const bool either = patch.mode == MTEDBG_Mode_Either;
  write_word(
      patch, pc,
      either ? branch_word(pc, patch.memop.out_address) : tag_word(patch.mode, patch.shared_tag));
}

// [1] is a word or two before [2], or is not there.
void clean(const Patch& patch, Words words) {
  const uintptr_t access = patch.memop.address;
  const uintptr_t insert = patch.memop.tag_address != 0 ? patch.memop.tag_address : access;
  clean_words(patch, words == Words::Access ? access : insert,
              words == Words::Insert ? insert : access);
}

void publish(const Patch& patch, Words words) {
  clean(patch, words);
  if (!patch.alone) synchronize_cores();
}

void half_done(const Patch& patch, Words first) {
  // Alone: no other thread runs the mixed pair, and publish() comes before this one does.
  if (!patch.alone) publish(patch, first);
  std::atomic_ref(patch.memop.mode).store(patch.mode, std::memory_order_release);
}

void undo_insert(const Patch& patch, uint32_t old_mode) {
  std::atomic_ref(patch.memop.mode).store(old_mode, std::memory_order_release);
  Patch back = patch;
  back.mode = old_mode;
  write_tag_insert(back);
  publish(back, Words::Insert);
}

}  // namespace mtetso
