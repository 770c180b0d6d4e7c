/* A root that changes while it is read: one thread publishes generation after generation of its
 * code map, the other stops at a checkpoint; with GENERATIONS as its argument it dies after so
 * many, in the middle of another. In generation g every block's id is g * 100 and its place: a
 * reader that mixes two generations shows itself. */
#define _GNU_SOURCE
#include <mtedbg/debug_root.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { blocks = 64, block_size = 64 };

struct buffer {
  struct mtedbg_Buffer head;
  struct mtedbg_Block records[blocks];
  uint64_t gen_end;
};

struct mtedbg_root mtedbg_root;
struct mtedbg_Table code_map;
static struct buffer buffers[2];
static struct mtedbg_Named named[1];
static char schema[16384], names[2][16] = {"code-map", "Block"};
static char* code;

static const char contracts[] =
    "contract range.base = block\ncontract end = exclusive\ncontract codemap = 1\n"
    "contract memop.restart = tag_address\ncontract recorder = 1\ncontract core_id = tag\n"
    "contract frame.flags = nzcv\n";

static void publish(uint64_t generation) {
  struct buffer* next = &buffers[generation & 1];
  next->gen_end = 0;
  atomic_thread_fence(memory_order_seq_cst);
  for (int n = 0; n < blocks; ++n)
    next->records[n] = (struct mtedbg_Block){.base = (uintptr_t)code + n * block_size,
                                             .length = block_size,
                                             .id = generation * 100 + n,
                                             .generation = generation,
                                             .segment = 1,
                                             .kind = MTEDBG_BlockKind_BaselineTier,
                                             .tier = MTEDBG_Tier_Baseline,
                                             .state = MTEDBG_BlockState_Published};
  next->head =
      (struct mtedbg_Buffer){.gen_begin = generation,
                             .count = blocks,
                             .capacity = blocks,
                             .stride = sizeof(struct mtedbg_Block),
                             .checksum = mtedbg_crc32(next->records, sizeof next->records)};
  atomic_thread_fence(memory_order_seq_cst);
  next->gen_end = generation;
  atomic_store_explicit((_Atomic uint64_t*)&code_map.published, generation, memory_order_release);
}

static void* flip(void* unused) {
  for (uint64_t generation = 2;; ++generation) publish(generation);
  return unused;
}

static void adopt(void) {
  code_map.buffer0 = (uintptr_t)&buffers[0];
  code_map.buffer1 = (uintptr_t)&buffers[1];
  named[0] = (struct mtedbg_Named){.name = (uintptr_t)names[0],
                                   .type_name = (uintptr_t)names[1],
                                   .address = (uintptr_t)&code_map,
                                   .count = 1,
                                   .stride = sizeof(struct mtedbg_Block),
                                   .form = MTEDBG_Form_Table};
  size_t length = mtedbg_write_schema(schema, sizeof schema, contracts);
  mtedbg_root = (struct mtedbg_root){.magic = MTEDBG_ROOT_MAGIC,
                                     .size = sizeof mtedbg_root,
                                     .abi_major = MTEDBG_ABI_MAJOR,
                                     .abi_minor = MTEDBG_ABI_MINOR,
                                     .endian = MTEDBG_ENDIAN_PROBE,
                                     .schema_size = (uint32_t)length,
                                     .self = (uintptr_t)&mtedbg_root,
                                     .schema = (uintptr_t)schema,
                                     .named = (uintptr_t)named,
                                     .named_count = 1,
                                     .schema_checksum = mtedbg_crc32(schema, length),
                                     .name = (uintptr_t)names[0],
                                     .name_length = 8,
                                     .state = MTEDBG_RootState_Ready};
  mtedbg_root.checksum = mtedbg_crc32(&mtedbg_root, offsetof(struct mtedbg_root, checksum));
}

__attribute__((noinline)) void checkpoint(void) { __asm__ volatile(""); }

int main(int argc, char** argv) {
  code = mmap(NULL, blocks * block_size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  publish(1);
  adopt();
  pthread_t thread;
  if (code == MAP_FAILED || pthread_create(&thread, NULL, flip, NULL)) return 1;
  checkpoint();
  if (argc < 2) return 0;
  uint64_t last = strtoull(argv[1], NULL, 10);
  while (atomic_load((_Atomic uint64_t*)&code_map.published) < last) sched_yield();
  abort();
}
