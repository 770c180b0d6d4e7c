// SPDX-License-Identifier: MIT
#include "fault/patch.h"

#include <atomic>

#include "code/memop_words.h"
#include "memory/barriers.h"

namespace mtetso {
namespace {

// One aligned store: a fetch sees the old word or the new one.
void write_word(const CodeBlock& block, uintptr_t pc, uint32_t word) {
  std::atomic_ref(*block.writable(pc)).store(word, std::memory_order_release);
}

}  // namespace

void write_access(const Patch& patch) {
  const uintptr_t pc = patch.memop.address;
  // Code::commit() checked that the word is an access, so there is one in either mode.
  const auto word = access_word_in(*patch.block.writable(pc), patch.mode);
  if (word) write_word(patch.block, pc, *word);
}

void write_tag_insert(const Patch& patch) {
  if (patch.memop.tag_address == 0) return;
  write_word(patch.block, patch.memop.tag_address, tag_word(patch.mode, patch.shared_tag));
}

void publish_words(const Patch& patch) {
  for (const uintptr_t pc : {patch.memop.address, patch.memop.tag_address}) {
    if (pc == 0) continue;
    const uint32_t* written = patch.block.writable(pc);
    clean_code(written, reinterpret_cast<const void*>(pc), sizeof *written);
  }
  synchronize_cores();
}

void half_done(const Patch& patch) {
  publish_words(patch);
  std::atomic_ref(patch.memop.mode).store(patch.mode, std::memory_order_release);
}

void undo_insert(const Patch& patch, uint32_t old_mode) {
  std::atomic_ref(patch.memop.mode).store(old_mode, std::memory_order_release);
  const Patch back{patch.block, patch.memop, old_mode, patch.shared_tag};
  write_tag_insert(back);
  publish_words(back);
}

}  // namespace mtetso
