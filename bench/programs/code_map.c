/* A runtime with BLOCKS code blocks of RANGES ranges each, a named guest function a range, in the
 * debug root that real runtimes have. Nothing runs: it fills the records, says where the code
 * would be, and dies. */
#include <mtedbg/debug_root.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { range_size = 64, gap = 16, name_size = 16 };

struct mtedbg_root mtedbg_root __attribute__((visibility("default"), used, aligned(8)));

static const char contracts[] =
    "contract range.base = block\ncontract end = exclusive\ncontract codemap = 1\n"
    "contract memop.restart = tag_address\ncontract recorder = 1\ncontract core_id = tag\n"
    "register frame = x28\nregister host_core_id = x27\n";

static char* take(size_t size) {
  void* at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) perror("mmap"), exit(1);
  return at;
}

static uint64_t text(const char* string) {
  return (uintptr_t)strcpy(take(strlen(string) + 1), string);
}

/* Generation 1 of a table whose records `fill` writes. */
static uint64_t table(uint32_t stride, uint32_t count,
                      void (*fill)(char* records, uint32_t count)) {
  size_t size = (size_t)stride * count;
  struct mtedbg_Buffer* buffer = (void*)take(sizeof *buffer + size + 8);
  char* records = (char*)(buffer + 1);
  fill(records, count);
  *buffer = (struct mtedbg_Buffer){.gen_begin = 1,
                                   .count = count,
                                   .capacity = count,
                                   .stride = stride,
                                   .checksum = mtedbg_crc32(records, size)};
  memcpy(records + size, &buffer->gen_begin, 8);
  struct mtedbg_Table* one = (void*)take(sizeof *one);
  *one = (struct mtedbg_Table){.published = 1, .buffer1 = (uintptr_t)buffer};
  return (uintptr_t)one;
}

static uint64_t code;
static uint32_t ranges_each;

static void fill_blocks(char* records, uint32_t count) {
  struct mtedbg_Range* range = (void*)take((size_t)count * ranges_each * sizeof *range);
  for (uint32_t b = 0; b < count; ++b) {
    struct mtedbg_Range* first = range;
    for (uint32_t r = 0; r < ranges_each; ++r, ++range)
      *range = (struct mtedbg_Range){.begin = r * range_size,
                                     .end = r * range_size + range_size - gap,
                                     .kind = MTEDBG_RangeKind_Function,
                                     .function = b * ranges_each + r,
                                     .guest_rip = 0x400000 + r};
    ((struct mtedbg_Block*)records)[b] =
        (struct mtedbg_Block){.base = code + (uint64_t)b * ranges_each * range_size,
                              .length = (uint64_t)ranges_each * range_size,
                              .id = b + 1,
                              .generation = 1,
                              .segment = 1,
                              .ranges = (uintptr_t)first,
                              .range_count = ranges_each,
                              .ranges_checksum = mtedbg_crc32(first, ranges_each * sizeof *first),
                              .kind = MTEDBG_BlockKind_BaselineTier,
                              .tier = MTEDBG_Tier_Baseline,
                              .state = MTEDBG_BlockState_Published};
  }
}

static void fill_functions(char* records, uint32_t count) {
  char* name = take((size_t)count * name_size);
  for (uint32_t n = 0; n < count; ++n, name += name_size)
    ((struct mtedbg_Function*)records)[n] =
        (struct mtedbg_Function){.index = n,
                                 .name = (uintptr_t)name,
                                 .name_length = (uint32_t)snprintf(name, name_size, "guest_%u", n)};
}

static void hang(struct mtedbg_Named* at, const char* name, const char* type, uint64_t address,
                 uint32_t stride) {
  *at = (struct mtedbg_Named){.name = text(name),
                              .type_name = text(type),
                              .address = address,
                              .count = 1,
                              .stride = stride,
                              .form = MTEDBG_Form_Table};
}

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  uint32_t blocks = (uint32_t)atoi(argv[1]);
  ranges_each = (uint32_t)atoi(argv[2]);
  size_t size = (size_t)blocks * ranges_each * range_size;
  code = (uintptr_t)mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct mtedbg_Named* named = (void*)take(2 * sizeof *named);
  hang(&named[0], "code-map", "Block", table(sizeof(struct mtedbg_Block), blocks, fill_blocks),
       sizeof(struct mtedbg_Block));
  hang(&named[1], "functions", "Function",
       table(sizeof(struct mtedbg_Function), blocks * ranges_each, fill_functions),
       sizeof(struct mtedbg_Function));
  size_t length = mtedbg_write_schema(NULL, 0, contracts);
  char* schema = take(length);
  mtedbg_write_schema(schema, length, contracts);
  mtedbg_root = (struct mtedbg_root){.magic = MTEDBG_ROOT_MAGIC,
                                     .size = sizeof mtedbg_root,
                                     .abi_major = MTEDBG_ABI_MAJOR,
                                     .abi_minor = MTEDBG_ABI_MINOR,
                                     .endian = MTEDBG_ENDIAN_PROBE,
                                     .schema_size = (uint32_t)length,
                                     .self = (uintptr_t)&mtedbg_root,
                                     .schema = (uintptr_t)schema,
                                     .named = (uintptr_t)named,
                                     .named_count = 2,
                                     .schema_checksum = mtedbg_crc32(schema, length),
                                     .name = text("bench"),
                                     .name_length = 5,
                                     .state = MTEDBG_RootState_Ready};
  mtedbg_root.checksum = mtedbg_crc32(&mtedbg_root, offsetof(struct mtedbg_root, checksum));
  printf("code %llx\n", (unsigned long long)code);
  fflush(stdout);
  abort();
}
