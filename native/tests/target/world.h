// SPDX-License-Identifier: MIT
//
// Memops that are really run: code of one each, with the handler installed, on memory with tags.
#pragma once

#include <mtedbg/debug_root.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "code/code.h"
#include "code/memop_words.h"
#include "debug/root.h"
#include "debug/threads.h"
#include "fault/handler.h"
#include "memory/barriers.h"
#include "memory/tags.h"

namespace mtetso {

inline int g_failures = 0;

#define EXPECT(condition)                                                  \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++g_failures;                                                        \
    }                                                                      \
  } while (false)

constexpr uint32_t kLoad = 0xf9400200;    // ldr x0, [x16]
constexpr uint32_t kStore = 0xf9000200;   // str x0, [x16]
constexpr uint32_t kSwap = 0xf8e08200;    // swpal x0, x0, [x16]
constexpr uint32_t kReturn = 0xd65f03c0;  // ret
constexpr uint32_t kMyTag = 3;
constexpr uint32_t kOther = 5;

struct World {
  Options options;
  Protocol protocol{core_tags(options)};
  GuestMemory memory{protocol};
  Code code;
  mtedbg_GuestFrame* frame = static_cast<mtedbg_GuestFrame*>(allocate_frame(4096));

  explicit World(const Options& given) : options(given), protocol(core_tags(given)) {
    frame->thread_id = 1;
    frame->host_core_id = kMyTag;
    register_thread(frame, 0, 0);
    if (!install_handler(options, protocol, memory) || !install_signal_stack()) std::abort();
  }

  // A function (address in x16, data in x0, core tag in x27, frame in x28) of one memop.
  const CodeBlock* make(uint32_t access, uint32_t mode) {
    CompiledCode code_;
    const auto word = access_word_in(access, mode);
    const auto decoded = decode_access(*word);
    code_.words = {tag_word(mode, options.shared_tag), *word, kReturn};
    code_.memops = {{0, 4, 0x401000, decoded->access, decoded->size, mode}};
    return code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(code_));
  }

  uint64_t run(const CodeBlock* block, uint64_t address, uint64_t data, uint32_t core = kMyTag) {
    register uint64_t x0 asm("x0") = data;
    register uint64_t x16 asm("x16") = address;
    register uint64_t x17 asm("x17") = block->base();
    register uint64_t x27 asm("x27") = core;
    register uint64_t x28 asm("x28") = reinterpret_cast<uintptr_t>(frame);
    asm volatile("blr x17"
                 : "+r"(x0), "+r"(x16), "+r"(x17), "+r"(x27), "+r"(x28)
                 :
                 : "x20", "x30", "memory", "cc");
    return x0;
  }
};

inline uint64_t peek(uint64_t address) {
  UncheckedAccess unchecked;
  uint64_t value;
  __builtin_memcpy(&value, reinterpret_cast<void*>(address), sizeof value);
  return value;
}

// By pointers with the memory's own tags, granule by granule: a signal may come in the middle, and
// what suspends checks (PSTATE.TCO) does not survive one under QEMU's user mode.
inline void poke(uint64_t address, uint64_t value) {
  const char* bytes = reinterpret_cast<const char*>(&value);
  const uint64_t here = std::min(sizeof value, kGranule - address % kGranule);
  const auto pointer = [](uint64_t at) {
    return reinterpret_cast<void*>(with_tag(at, read_tag(at)));
  };
  __builtin_memcpy(pointer(address), bytes, here);
  if (here < sizeof value)
    __builtin_memcpy(pointer(address + here), bytes + here, sizeof value - here);
}

}  // namespace mtetso
