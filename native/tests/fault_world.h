// SPDX-License-Identifier: MIT
//
// A fault resolver with memory, code of one memop, and guest threads that fault: tags from a table,
// and words that are never executed.
#pragma once

#include <array>
#include <atomic>
#include <cstdlib>

#include "code/code.h"
#include "debug/arena.h"
#include "debug/root.h"
#include "debug/threads.h"
#include "fault/resolve.h"
#include "memory/barriers.h"
#include "memory/tags.h"

namespace mtetso {

constexpr uint32_t kLocal = MTEDBG_Mode_Local, kShared = MTEDBG_Mode_Shared,
                   kEither = MTEDBG_Mode_Either;
constexpr uint32_t kLoad = 0xf9400203, kStore = 0xf9000203;  // ldr / str x3, [x16]
constexpr uint32_t kSwap = 0xf8e58203;                       // swpal x5, x3, [x16]
constexpr uint32_t kPairSwap = 0x4874fe16;                   // caspal x20 to x23, [x16]
constexpr uint32_t kMine = 3, kOther = 5;

struct World {
  Protocol protocol;
  GuestMemory memory{protocol};
  FaultResolver resolver;
  Code code;
  mtedbg_GuestFrame* frame;
  std::array<uint64_t, 31> registers{};
  unsigned long long pc = 0;
  const bool follows;

  explicit World(uint32_t policy, uint32_t pin_threshold = 8, uint32_t shared = 0,
                 uint32_t claim = 0, uint32_t interpret = 0,
                 Quiescence::How how = Quiescence::How::Alone)
      : protocol(core_tags(shared, 8, policy), how),
        resolver({{policy, claim, interpret}, pin_threshold, protocol.tags().guard}, protocol,
                 memory),
        follows(policy == MTEDBG_Policy_Follow) {
    static const bool ready = register_barriers();
    if (!ready) std::abort();
    frame = static_cast<mtedbg_GuestFrame*>(allocate_frame(sizeof(mtedbg_GuestFrame)));
    frame->thread_id = 1;
    frame->host_core_id = kMine;
    frame->state = MTEDBG_ThreadState_Jit;
    register_thread(frame, 0, 0);
  }

  // With policy follow it has an out-of-line form behind it.
  const CodeBlock* make(uint32_t access, uint32_t mode) {
    constexpr uint32_t kBack = 8;
    CompiledCode made;
    const uint32_t word = *access_word_in(access, mode);
    const auto decoded = *decode_access(word);
    made.words = {mode == kEither ? branch_word(0, kBack) : tag_word(mode, protocol.shared_tag()),
                  word};
    made.memops = {{0, 4, 0x401000, decoded.access, decoded.size, mode}};
    if (follows) {
      const OutOfLine form = out_of_line(word, protocol.shared_tag(), kBack, kBack);
      made.words.insert(made.words.end(), form.span().begin(), form.span().end());
      made.memops[0].out_offset = kBack;
    }
    return code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, std::move(made));
  }

  Resolution fault(const CodeBlock* block, uint64_t address, FaultKind kind = FaultKind::TagCheck,
                   uint32_t core = kMine) {
    const mtedbg_Memop& memop = block->memops[0];
    const uint32_t mode = std::atomic_ref(memop.mode).load();
    registers[16] = with_tag(address, mode == kLocal ? core : protocol.shared_tag());
    registers[27] = core;
    registers[28] = address_of(frame);
    pc = mode == kEither ? memop.out_end - 8 : memop.address;
    return resolver.resolve({kind, registers[16], registers.data(), &pc});
  }
};

inline const uint32_t* words(const CodeBlock* block) { return block->writable(block->base()); }

// Another guest thread in the same world.
struct Actor {
  World& world;
  uint32_t core;
  mtedbg_GuestFrame* frame;
  int32_t budget = 1000;
  std::array<uint64_t, 31> registers{};
  unsigned long long pc = 0;

  Actor(World& in, uint64_t id, uint32_t its_core)
      : world(in),
        core(its_core),
        frame(static_cast<mtedbg_GuestFrame*>(allocate_frame(sizeof(mtedbg_GuestFrame)))) {
    frame->thread_id = id;
    frame->host_core_id = core;
    register_thread(frame, 0, 0);
    world.protocol.quiescence().add(frame, &budget);
  }

  Resolution fault(const CodeBlock* block, uint64_t address) {
    const uint32_t mode = std::atomic_ref(block->memops[0].mode).load();
    registers[16] = with_tag(address, mode == kLocal ? core : world.protocol.shared_tag());
    registers[27] = core;
    registers[28] = address_of(frame);
    pc = block->memops[0].address;
    return world.resolver.resolve({FaultKind::TagCheck, registers[16], registers.data(), &pc});
  }
};

}  // namespace mtetso
