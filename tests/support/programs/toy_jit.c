/* A third JIT, as small as JITs are: no memops, guest threads, segments, functions or handler. It
 * has three functions of its own, which call each other, each in a block that is appended when it
 * is made. The last one loads through a pointer whose tag is not the memory's.
 *
 * Usage: toy_jit [heap] [many N]. heap: all that a debugger reads, the root as well, is on the
 * heap, which may be tagged. many: N further blocks. Prints where the functions are. With -DWAITS,
 * for any machine: places blocks here and there, runs nothing, and waits for the end of its input.
 */
#define _GNU_SOURCE 1
#include <mtedbg/debug_root.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#ifndef PROT_MTE
#define PROT_MTE 0x20
#endif

enum { STEP = 64, CODE_SIZE = 1 << 20 };

struct mtedbg_root mtedbg_root;

static const uint32_t outer[] = {
    0xa9be7bfd, /* stp x29, x30, [sp, #-32]! */
    0x910003fd, /* mov x29, sp */
    0x9400000e, /* bl inner, one step on */
    0xa8c27bfd, /* ldp x29, x30, [sp], #32 */
    0xd65f03c0, /* ret */
};
static const uint32_t inner[] = {
    0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
    0x910003fd, /* mov x29, sp */
    0x9400000e, /* bl leaf, one step on */
    0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
    0xd65f03c0, /* ret */
};
static const uint32_t leaf[] = {
    0xd503201f, /* nop */
    0xf9400000, /* ldr x0, [x0] */
    0xd65f03c0, /* ret */
};
static const uint32_t filler[] = {0xd65f03c0}; /* ret */

static int on_heap;
static struct mtedbg_Slots* code_map;
static char* code;
static uint32_t made;

static void* take(size_t bytes) {
  if (on_heap) return calloc(1, bytes);
  void* at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

static uint64_t text(const char* string) {
  return mtedbg_address(strcpy((char*)take(strlen(string) + 1), string));
}

static void make(const char* name, const uint32_t* words, uint32_t size, uint32_t frame,
                 uint32_t frame_size, const char* file) {
#ifdef WAITS
  char* at = code + made * 4099 % (CODE_SIZE / STEP) * STEP;
#else
  char* at = code + made * STEP;
#endif
  memcpy(at, words, size);
  __builtin___clear_cache(at, at + size);
  struct mtedbg_Range* range = (struct mtedbg_Range*)take(sizeof *range);
  *range = (struct mtedbg_Range){.begin = 0,
                                 .end = size,
                                 .kind = MTEDBG_RangeKind_Function,
                                 .function = MTEDBG_NO_FUNCTION,
                                 .symbol = text(name),
                                 .symbol_length = (uint32_t)strlen(name),
                                 .frame = frame,
                                 .frame_size = frame_size};
  if (file != NULL) {
    struct mtedbg_Line* lines = (struct mtedbg_Line*)take(2 * sizeof *lines);
    lines[0] = (struct mtedbg_Line){.begin = 0, .line = 7, .file = text(file)};
    lines[1] = (struct mtedbg_Line){.begin = 4, .line = 8, .file = lines[0].file};
    range->lines = mtedbg_address(lines), range->line_count = 2;
  }
  struct mtedbg_Block block = {.base = mtedbg_address(at),
                               .length = size,
                               .id = ++made,
                               .ranges = mtedbg_address(range),
                               .range_count = 1,
                               .ranges_checksum = mtedbg_crc32(range, sizeof *range),
                               .kind = MTEDBG_BlockKind_BaselineTier,
                               .tier = MTEDBG_Tier_Baseline,
                               .state = MTEDBG_BlockState_Published};
  if (mtedbg_slots_append(code_map, &block, block.base, block.base + size, take) < 0) exit(1);
}

static void publish(void) {
  static const char contracts[] =
      "contract range.base = block\ncontract end = exclusive\ncontract codemap = 1\n";
  size_t length = mtedbg_write_schema(NULL, 0, contracts);
  char* schema = (char*)take(length);
  mtedbg_write_schema(schema, length, contracts);
  struct mtedbg_Named* named = (struct mtedbg_Named*)take(sizeof *named);
  *named = (struct mtedbg_Named){.name = text("code-map"),
                                 .type_name = text("Block"),
                                 .address = mtedbg_address(code_map),
                                 .count = 1,
                                 .stride = sizeof(struct mtedbg_Block),
                                 .form = MTEDBG_Form_Slots};
  struct mtedbg_root* root = on_heap ? (struct mtedbg_root*)take(sizeof *root) : &mtedbg_root;
  mtedbg_publish_root(root, (const char*)(uintptr_t)text("toy"), schema, length, named, 1);
}

int main(int argc, char** argv) {
  uint32_t many = 0;
  for (int n = 1; n < argc; ++n) {
    if (strcmp(argv[n], "heap") == 0) on_heap = 1;
    if (strcmp(argv[n], "many") == 0 && n + 1 < argc) many = (uint32_t)atoi(argv[n + 1]);
  }
#ifdef WAITS
  const int tagged = 0;
#else
  const int tagged = PROT_MTE;
  if (prctl(PR_SET_TAGGED_ADDR_CTRL, 1 | 1 << 1 | 0xfffe << 3, 0, 0, 0)) return perror("prctl"), 1;
#endif
  code = (char*)mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* memory =
      (char*)mmap(NULL, 4096, PROT_READ | PROT_WRITE | tagged, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED || memory == MAP_FAILED) return perror("mmap"), 1;
  memory[0] = 1;
  code_map = (struct mtedbg_Slots*)take(sizeof *code_map);
  mtedbg_slots_open(code_map, sizeof(struct mtedbg_Block), 256);
  publish();
  make("outer", outer, sizeof outer, MTEDBG_FrameKind_Record, 32, NULL);
  make("inner", inner, sizeof inner, MTEDBG_FrameKind_Record, 16, NULL);
  make("leaf", leaf, sizeof leaf, MTEDBG_FrameKind_Leaf, 0, "/src/toy.lang");
  while (many-- != 0) make("filler", filler, sizeof filler, MTEDBG_FrameKind_Leaf, 0, NULL);
  printf("code %llx\n", (unsigned long long)(uintptr_t)code);
  fflush(stdout);
#ifdef WAITS
  return getchar() == EOF ? 0 : 1;
#endif
  uint64_t wrong = (uintptr_t)memory | UINT64_C(3) << 56;
  uint64_t (*run)(uint64_t) = (uint64_t(*)(uint64_t))(uintptr_t)code;
  return (int)run(wrong);
}
