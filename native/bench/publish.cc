// SPDX-License-Identifier: MIT
//
// What publishing one more block costs. Usage: bench_publish HOW BLOCKS ROUNDS. HOW is "runtime":
// Code::commit() of blocks of one function each; "root": a JIT's own code map, by debug_root.h
// alone; "perf-map": a line of /tmp/perf-PID.map; "jit-interface": a symbol file of GDB's JIT
// interface. Prints a line a round: the name, and nanoseconds of processor time a block, over the
// last tenth of the blocks.
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "code/code.h"
#include "debug/arena.h"
#include "debug/table.h"
#include "memory/barriers.h"

namespace mtetso {
namespace {

constexpr uint64_t kFirst = 0x7f0000000000, kStep = 0x100, kLength = 0xc0;

// Nanoseconds that this process has had a processor, in the kernel as well.
double now() {
  timespec at{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e9 + static_cast<double>(at.tv_nsec);
}

using Publish = std::function<void(uint64_t)>;

// Nanoseconds a block.
double measure(uint64_t blocks, const Publish& publish) {
  const uint64_t measured = blocks / 10 + 1, before = blocks - measured;
  for (uint64_t n = 0; n < before; ++n) publish(n);
  const double begun = now();
  for (uint64_t n = before; n < blocks; ++n) publish(n);
  return (now() - begun) / static_cast<double>(measured);
}

CompiledCode compiled(uint32_t function, uint64_t rip) {
  CompiledCode made;
  made.words.assign(kLength / 4, 0xd503201f);  // nop
  made.ranges = {{0, kLength, MTEDBG_RangeKind_Function, function, rip, "a function"}};
  made.entries = {{rip, 0}};
  return made;
}

double by_runtime(uint64_t blocks) {
  Code code;
  return measure(blocks, [&](uint64_t n) {
    const uint64_t rip = 0x400000 + 16 * n;
    const uint32_t function = code.add_function("a function", rip, rip + 16);
    code.commit(MTEDBG_BlockKind_BaselineTier, MTEDBG_Tier_Baseline, compiled(function, rip));
  });
}

// With what an adopter has to fill for a block of one named function.
double by_root(uint64_t blocks) {
  mtedbg_Slots map{};
  mtedbg_slots_open(&map, sizeof(mtedbg_Block), 256);
  static const char kName[] = "a function";
  return measure(blocks, [&](uint64_t n) {
    auto range = arena_array<mtedbg_Range>(1);
    range[0] = {.begin = 0,
                .end = kLength,
                .kind = MTEDBG_RangeKind_Function,
                .function = MTEDBG_NO_FUNCTION,
                .guest_rip = 0,
                .callee_block = 0,
                .symbol = address_of(kName),
                .symbol_length = sizeof kName - 1,
                .frame = MTEDBG_FrameKind_Unknown,
                .frame_size = 0,
                .line_count = 0,
                .lines = 0};
    mtedbg_Block block{};
    block.base = kFirst + n * kStep;
    block.length = kLength;
    block.id = n + 1;
    block.ranges = address_of(range.data());
    block.range_count = 1;
    block.ranges_checksum = mtedbg_crc32(range.data(), range.size_bytes());
    block.kind = MTEDBG_BlockKind_BaselineTier;
    block.state = MTEDBG_BlockState_Published;
    if (mtedbg_slots_append(&map, &block, block.base, block.base + block.length,
                            [](size_t bytes) { return arena_allocate(bytes); }) < 0)
      std::abort();
  });
}

double by_perf_map(uint64_t blocks) {
  const std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) std::abort();
  const double found = measure(blocks, [&](uint64_t n) {
    std::fprintf(file, "%llx %llx a function\n",
                 static_cast<unsigned long long>(kFirst + n * kStep),
                 static_cast<unsigned long long>(kLength));
    std::fflush(file);  // a process that dies keeps what it has said
  });
  std::fclose(file);
  unlink(path.c_str());
  return found;
}

// The interface's own types (GDB manual, "JIT Interface").
struct jit_code_entry {
  jit_code_entry* next;
  jit_code_entry* previous;
  const char* file;
  uint64_t size;
};
struct jit_descriptor {
  uint32_t version, action;
  jit_code_entry *relevant, *first;
};
jit_descriptor g_descriptor{1, 0, nullptr, nullptr};

[[gnu::noinline]] void register_code() { asm volatile("" ::: "memory"); }

// As small a symbol file as one function takes: a header, three sections, two symbols.
constexpr size_t kSymbolFile = 64 + 5 * 64 + 3 * 24 + 64;

double by_jit_interface(uint64_t blocks) {
  static const char kFile[kSymbolFile] = "\177ELF";
  return measure(blocks, [&](uint64_t) {
    auto* copy = static_cast<char*>(std::malloc(sizeof kFile));
    auto* entry = static_cast<jit_code_entry*>(std::malloc(sizeof(jit_code_entry)));
    std::memcpy(copy, kFile, sizeof kFile);
    *entry = {g_descriptor.first, nullptr, copy, sizeof kFile};
    if (entry->next != nullptr) entry->next->previous = entry;
    g_descriptor.first = g_descriptor.relevant = entry;
    g_descriptor.action = 1;
    register_code();
  });
}

int run(const std::string& how, uint64_t blocks, int rounds) {
  double (*measured)(uint64_t) = how == "runtime"         ? by_runtime
                                 : how == "root"          ? by_root
                                 : how == "perf-map"      ? by_perf_map
                                 : how == "jit-interface" ? by_jit_interface
                                                          : nullptr;
  if (measured == nullptr || blocks == 0) return 64;
  if (!register_barriers()) return 1;
  for (int round = 0; round < rounds; ++round)
    std::printf("%s %.1f\n", how.c_str(), measured(blocks));
  return 0;
}

}  // namespace
}  // namespace mtetso

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  return mtetso::run(argv[1], std::strtoull(argv[2], nullptr, 10), std::atoi(argv[3]));
}
