/* Two libraries, each with a JIT and a debug root of its own, which do not know of each other; and
 * with -DPROGRAM the program that loads them, privately. Code of the first calls code of the
 * second, which loads through a pointer to nowhere.
 *
 * The code of the first keeps no frame record: its block has call frame information. The second's
 * has two functions inlined into it, a place that is patched, an owner, and was moved.
 *
 * With -DNAME="one" or "two": a library. Usage of the program: joined_jit LIBRARY LIBRARY [wait]
 */
#define _GNU_SOURCE 1
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef PROGRAM
#include <dlfcn.h>

static uint64_t code_of(const char* library) {
  void* loaded = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (loaded == NULL) fprintf(stderr, "%s\n", dlerror());
  uint64_t (*make)(void) =
      loaded == NULL ? NULL : (uint64_t(*)(void))(uintptr_t)dlsym(loaded, "make");
  return make == NULL ? 0 : make();
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  uint64_t one = code_of(argv[1]), two = code_of(argv[2]);
  if (one == 0 || two == 0) return 1;
  printf("one %llx\ntwo %llx\n", (unsigned long long)one, (unsigned long long)two);
  fflush(stdout);
  if (argc > 3 && strcmp(argv[3], "wait") == 0) return getchar() == EOF ? 0 : 1;
  uint64_t (*run)(uint64_t, uint64_t) = (uint64_t(*)(uint64_t, uint64_t))(uintptr_t)one;
  return (int)run(0x10, two);
}
#else
#include <mtedbg/debug_root.h>
#include <stdlib.h>
#include <sys/mman.h>

MTEDBG_LIST_OF_ROOTS;

static const uint32_t caller[] = {
    0xd10083ff, /* sub sp, sp, #32 */
    0xf90007fe, /* str x30, [sp, #8] */
    0xd63f0020, /* blr x1 */
    0xf94007fe, /* ldr x30, [sp, #8] */
    0x910083ff, /* add sp, sp, #32 */
    0xd65f03c0, /* ret */
};
static const uint32_t loader[] = {
    0xd503201f, /* nop */
    0xf9400000, /* ldr x0, [x0] */
    0xd503201f, /* nop */
    0xd65f03c0, /* ret */
};
/* A common entry without augmentation, and the entry of `caller` without its addresses. */
static const unsigned char common[] = {
    20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0x78, 30, 0x0c, 31, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};
static const unsigned char rules[] = {
    0x41, 0x0e, 32, 0x41, 0x9e, 3, 0x42, 0xde, 0x41, 0x0e, 0, 0,
};
enum { ENTRY = 4 + 16 + sizeof rules, FRAMES = sizeof common + 4 + ENTRY };

enum { OLD = 0x1000 }; /* where the second's code was before */

static struct mtedbg_root root;
static struct mtedbg_Slots code_map;
static struct mtedbg_Table retired;
static char* code;

static void* take(size_t bytes) {
  void* at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

static uint64_t text(const char* string) {
  return mtedbg_address(strcpy((char*)take(strlen(string) + 1), string));
}

static void call_frames(struct mtedbg_Details* details) {
  unsigned char* to = (unsigned char*)take(FRAMES);
  const uint32_t size = ENTRY, back = sizeof common + 4;
  const uint64_t begin = mtedbg_address(code), length = sizeof caller;
  memcpy(to, common, sizeof common);
  memcpy(to + sizeof common, &size, 4);
  memcpy(to + sizeof common + 4, &back, 4);
  memcpy(to + sizeof common + 8, &begin, 8);
  memcpy(to + sizeof common + 16, &length, 8);
  memcpy(to + sizeof common + 24, rules, sizeof rules);
  details->call_frames = mtedbg_address(to);
  details->call_frames_size = FRAMES;
}

static void inlined(struct mtedbg_Range* range, struct mtedbg_Details* details) {
  struct mtedbg_Line* lines = (struct mtedbg_Line*)take(3 * sizeof *lines);
  lines[0] = (struct mtedbg_Line){.begin = 0, .line = 20, .file = text("two.js")};
  lines[1] = (struct mtedbg_Line){.begin = 4, .line = 5, .file = text("get.js")};
  lines[2] = (struct mtedbg_Line){.begin = 8, .line = 22, .file = lines[0].file};
  range->lines = mtedbg_address(lines), range->line_count = 3;
  struct mtedbg_Inline* inlines = (struct mtedbg_Inline*)take(2 * sizeof *inlines);
  inlines[0] = (struct mtedbg_Inline){
      .begin = 4, .end = 12, .name = text("field"), .file = lines[0].file, .line = 21};
  inlines[1] = (struct mtedbg_Inline){
      .begin = 4, .end = 8, .name = text("get"), .file = text("field.js"), .line = 13};
  details->inlines = mtedbg_address(inlines), details->inline_count = 2;
  struct mtedbg_Patch* patch = (struct mtedbg_Patch*)take(sizeof *patch);
  *patch = (struct mtedbg_Patch){
      .address = mtedbg_address(code) + 4, .size = 4, .times = 2, .name = text("inline cache")};
  details->patches = mtedbg_address(patch), details->patch_count = 1;
  details->owner = text("page 7"), details->owner_length = 6;
  details->moved_from = OLD;
}

static void publish(void) {
  static const char contracts[] =
      "contract range.base = block\ncontract end = exclusive\ncontract codemap = 1\n";
  const size_t length = mtedbg_write_schema(NULL, 0, contracts);
  char* schema = (char*)take(length);
  mtedbg_write_schema(schema, length, contracts);
  struct mtedbg_Named* named = (struct mtedbg_Named*)take(2 * sizeof *named);
  named[0] = (struct mtedbg_Named){.name = text("code-map"),
                                   .type_name = text("Block"),
                                   .address = mtedbg_address(&code_map),
                                   .count = 1,
                                   .stride = sizeof(struct mtedbg_Block),
                                   .form = MTEDBG_Form_Slots};
  named[1] = (struct mtedbg_Named){.name = text("retired"),
                                   .type_name = text("Block"),
                                   .address = mtedbg_address(&retired),
                                   .count = 1,
                                   .stride = sizeof(struct mtedbg_Block),
                                   .form = MTEDBG_Form_Table};
  mtedbg_publish_root(&root, (const char*)(uintptr_t)text(NAME), schema, length, named, 2);
  mtedbg_join_root(&root);
}

/* Makes the code; returns its address. */
__attribute__((visibility("default"))) uint64_t make(void);
uint64_t make(void) {
  const int first = strcmp(NAME, "one") == 0;
  const uint32_t size = first ? sizeof caller : sizeof loader;
  code = (char*)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                     -1, 0);
  memcpy(code, first ? caller : loader, size);
  __builtin___clear_cache(code, code + size);
  struct mtedbg_Details* details = (struct mtedbg_Details*)take(sizeof *details);
  struct mtedbg_Range* range = (struct mtedbg_Range*)take(sizeof *range);
  *range =
      (struct mtedbg_Range){.end = size,
                            .kind = MTEDBG_RangeKind_Function,
                            .function = MTEDBG_NO_FUNCTION,
                            .symbol = text(first ? "caller" : "loader"),
                            .symbol_length = 6,
                            .frame = first ? MTEDBG_FrameKind_CallFrames : MTEDBG_FrameKind_Leaf};
  if (first)
    call_frames(details);
  else
    inlined(range, details);
  struct mtedbg_Block block = {.base = mtedbg_address(code),
                               .length = size,
                               .id = 1,
                               .ranges = mtedbg_address(range),
                               .range_count = 1,
                               .ranges_checksum = mtedbg_crc32(range, sizeof *range),
                               .kind = MTEDBG_BlockKind_OptimizedTier,
                               .tier = MTEDBG_Tier_Optimized,
                               .state = MTEDBG_BlockState_Published,
                               .details = mtedbg_address(details)};
  mtedbg_slots_open(&code_map, sizeof block, 64);
  if (mtedbg_slots_append(&code_map, &block, block.base, block.base + size, take) < 0) return 0;
  struct mtedbg_Block old = block;
  old.base = OLD, old.id = 2, old.state = MTEDBG_BlockState_Retired;
  details = (struct mtedbg_Details*)take(sizeof *details);
  details->moved_to = block.base, old.details = mtedbg_address(details);
  if (mtedbg_publish_table(&retired, &old, first ? 0 : 1, sizeof old, take) != 0) return 0;
  publish();
  return block.base;
}
#endif
