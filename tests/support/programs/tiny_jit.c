/* A second JIT: emits two functions into memory that is mapped twice, and describes them by
 * debug_root.h alone. "double_it" has a memop; "stop" ends at a breakpoint instruction, or with the
 * argument "crash" at an undefined one. As a shared object (-shared) it does so when it is loaded,
 * hangs its root behind the process's own, and runs nothing. Prints where its code begins. */
#define _GNU_SOURCE 1
#include <mtedbg/debug_root.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CODE_SIZE = 4096, STOP = 32 };

#ifdef TINY_LIBRARY
#define ROOT tiny_root /* the name that debuggers look for is the program's */
static struct mtedbg_root tiny_root;
extern struct mtedbg_root mtedbg_root __attribute__((weak));
#else
#define ROOT mtedbg_root
struct mtedbg_root mtedbg_root;
#endif

static uint32_t code[] = {
    0xaa0003f0,                   /* double_it: mov x16, x0 */
    0xb3480f70,                   /* [1] bfi x16, x27, #56, #4 */
    0xf9400200,                   /* [2] ldr x0, [x16] */
    0x8b000000,                   /* add x0, x0, x0 */
    0xd65f03c0,                   /* ret */
    0,          0, 0, 0xd4200000, /* stop: brk #0 */
    0xd65f03c0,                   /* ret */
};

/* Everything that a debugger follows is static data: writable, and never given back. */
static struct mtedbg_Block block = {.length = sizeof code,
                                    .id = 1,
                                    .generation = 1,
                                    .segment = 1,
                                    .range_count = 2,
                                    .memop_count = 1,
                                    .kind = MTEDBG_BlockKind_BaselineTier,
                                    .tier = MTEDBG_Tier_Baseline,
                                    .state = MTEDBG_BlockState_Published};
static struct mtedbg_Range ranges[] = {
    {.begin = 0, .end = 20, .kind = MTEDBG_RangeKind_Function, .guest_rip = 0x1000},
    {.begin = STOP, .end = STOP + 8, .kind = MTEDBG_RangeKind_DebugStub, .function = UINT32_MAX}};
static struct mtedbg_Memop memop = {.id = 1,
                                    .block = 1,
                                    .guest_rip = 0x1003,
                                    .access = MTEDBG_Access_Load,
                                    .size = 8,
                                    .mode = MTEDBG_Mode_Local};
static struct mtedbg_Function function = {
    .guest_begin = 0x1000, .guest_end = 0x1010, .block = 1, .best_tier = MTEDBG_Tier_Baseline};
static struct mtedbg_Segment segment = {.id = 1, .capacity = CODE_SIZE, .used = sizeof code};
static struct mtedbg_Config config = {.shared_tag = 0, .cores = 1};
static struct mtedbg_Journal journal;
static char function_name[] = "double_it", stub_name[] = "stop", root_name[] = "tiny";
static char schema[1 << 15];
static char contracts[] =
    "contract range.base = block\ncontract end = exclusive\ncontract codemap = 1\n"
    "contract memop.restart = tag_address\nregister host_core_id = x27\nregister address = x16\n";

/* A table of one record, in its first generation. */
struct buffer {
  struct mtedbg_Buffer header;
  char record_and_end[256];
};
static struct buffer buffers[3];
static struct mtedbg_Table tables[3];
static char names[][2][16] = {{"code-map", "Block"},
                              {"functions", "Function"},
                              {"segments", "Segment"},
                              {"config", "Config"},
                              {"journal", "Journal"}};
static struct mtedbg_Named named[5];

static uint64_t at(const void* place) { return (uintptr_t)place; }

static void name(int n, const void* place, size_t stride, uint32_t form) {
  named[n] = (struct mtedbg_Named){.name = at(names[n][0]),
                                   .type_name = at(names[n][1]),
                                   .address = at(place),
                                   .count = 1,
                                   .stride = (uint32_t)stride,
                                   .form = form};
}

static void publish(int n, const void* record, size_t size) {
  struct buffer* one = &buffers[n];
  one->header = (struct mtedbg_Buffer){.gen_begin = 1,
                                       .count = 1,
                                       .capacity = 1,
                                       .stride = (uint32_t)size,
                                       .checksum = mtedbg_crc32(record, size)};
  memcpy(one->record_and_end, record, size);
  memcpy(one->record_and_end + size, &one->header.gen_begin, 8);
  tables[n] = (struct mtedbg_Table){.published = 1, .buffer1 = at(one)};
  name(n, &tables[n], size, MTEDBG_Form_Table);
}

static void describe(uint64_t base) {
  block.base = segment.base = base;
  block.ranges = at(ranges), block.memops = at(&memop);
  ranges[1].symbol = at(stub_name), ranges[1].symbol_length = sizeof stub_name - 1;
  block.ranges_checksum = mtedbg_crc32(ranges, sizeof ranges);
  memop.tag_address = base + 4, memop.address = base + 8;
  function.name = at(function_name), function.name_length = sizeof function_name - 1;
  publish(0, &block, sizeof block);
  publish(1, &function, sizeof function);
  publish(2, &segment, sizeof segment);
  name(3, &config, sizeof config, MTEDBG_Form_Record);
  name(4, &journal, sizeof journal, MTEDBG_Form_Array);
  mtedbg_publish_root(&ROOT, root_name, schema,
                      mtedbg_write_schema(schema, sizeof schema, contracts), named,
                      sizeof named / sizeof *named);
}

static char* emit(int crash) {
  int file = memfd_create("tiny-jit", 0);
  if (file < 0 || ftruncate(file, CODE_SIZE)) return NULL;
  char* write = (char*)mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  char* run = (char*)mmap(NULL, CODE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
  if (write == MAP_FAILED || run == MAP_FAILED) return NULL;
  if (crash) code[STOP / 4] = 0; /* udf */
  memcpy(write, code, sizeof code);
  __builtin___clear_cache(run, run + sizeof code);
  segment.write_base = at(write);
  return run;
}

#ifdef TINY_LIBRARY
__attribute__((constructor)) static void load(void) {
  char* run = emit(0);
  if (run == NULL || &mtedbg_root == NULL) return;
  describe(at(run));
  mtedbg_link_root(&mtedbg_root, &tiny_root);
}
#else
int main(int argc, char** argv) {
  char* run = emit(argc > 1 && strcmp(argv[1], "crash") == 0);
  if (run == NULL) return perror("tiny_jit"), 1;
  describe(at(run));
  uint64_t half = 21;
  uint64_t (*double_it)(const uint64_t*) = (uint64_t(*)(const uint64_t*))at(run);
  printf("code %llx\nanswer %llx\n", (unsigned long long)at(run),
         (unsigned long long)double_it(&half));
  fflush(stdout);
  ((void (*)(void))at(run + STOP))();
}
#endif
