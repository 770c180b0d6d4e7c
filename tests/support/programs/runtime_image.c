/* A runtime that never runs: fills the records of debug_root.h the way an adopter would, in one
 * arena at a fixed address, and writes the arena to a file. What it prints are places in it,
 * "NAME ADDRESS", for the tests. Usage: runtime_image FILE RANGES SHARED_TAG FORM. FORM: "tables",
 * or "slots" for the code map and the functions, four slots a chunk. */
#define _GNU_SOURCE
#include <mtedbg/debug_root.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA UINT64_C(0x7e0000000000)
#define SIZE (UINT64_C(256) << 20)
#define CODE_SIZE 0x1000

static char* arena;
static size_t used;

static void* take(size_t size) {
  void* at = arena + used;
  used = (used + size + 63) & ~(size_t)63;
  return at;
}

static uint64_t place(const char* name, const void* at) {
  if (name) printf("%s 0x%llx\n", name, (unsigned long long)(uintptr_t)at);
  return (uintptr_t)at;
}

static uint64_t text(const char* string) {
  char* at = take(strlen(string) + 1);
  return (uintptr_t)strcpy(at, string);
}

static int in_slots;

/* Each record in its second generation, and one that was taken away before them. */
static uint64_t slots(const char* name, const char* records, uint32_t stride, uint32_t count,
                      int bounded) {
  struct mtedbg_Slots* slots = take(sizeof *slots);
  char* none = take(stride);
  mtedbg_slots_open(slots, stride, 4);
  for (uint32_t n = 0; n <= count; ++n) {
    const char* record = n == 0 ? records : records + (size_t)(n - 1) * stride;
    const struct mtedbg_Block* block = (const void*)record;
    uint64_t low = bounded ? block->base : 0;
    uint64_t high = bounded ? block->base + block->length : UINT64_MAX;
    none[0] = 1;
    if (mtedbg_slots_append(slots, none, low, high, take) != n) exit(1);
    if (n == 0)
      mtedbg_slots_remove(slots, n);
    else
      mtedbg_slots_change(slots, n, record, low, high);
  }
  char told[64];
  snprintf(told, sizeof told, "%s.chunks", name);
  place(told, (void*)slots->chunks);
  snprintf(told, sizeof told, "%s.first", name);
  place(told, mtedbg_slots_slot(slots, 0));
  return place(name, slots);
}

/* Generation 2 with all records; generation 1, in the other buffer, without the last. */
static uint64_t table(const char* name, const void* records, uint32_t stride, uint32_t count) {
  if (in_slots && strcmp(name, "code-map") == 0) return slots(name, records, stride, count, 1);
  if (in_slots && strcmp(name, "functions") == 0) return slots(name, records, stride, count, 0);
  char place_name[64];
  struct mtedbg_Table* table = take(sizeof *table);
  table->published = 2;
  for (uint64_t generation = 1; generation <= 2; ++generation) {
    uint32_t here = generation == 2 || count == 0 ? count : count - 1;
    struct mtedbg_Buffer* buffer = take(sizeof *buffer + (size_t)count * stride + 8);
    buffer->gen_begin = generation;
    buffer->count = here;
    buffer->capacity = count;
    buffer->stride = stride;
    buffer->checksum = mtedbg_crc32(records, (size_t)here * stride);
    memcpy(buffer + 1, records, (size_t)here * stride);
    memcpy((char*)(buffer + 1) + (size_t)here * stride, &generation, 8);
    *(generation == 1 ? &table->buffer1 : &table->buffer0) = (uintptr_t)buffer;
    snprintf(place_name, sizeof place_name, "%s.buffer%d", name, generation == 1 ? 1 : 0);
    place(place_name, buffer);
  }
  return place(name, table);
}

#define BFI 0xb3480f70u     /* bfi x16, x27, #56, #4 */
#define BFC 0xb3480ff0u     /* bfc x16, #56, #4 */
#define ORR 0xb2480e10u     /* orr x16, x16, #0x0f00000000000000 */
#define LDR 0xf9400201u     /* ldr x1, [x16] */
#define LDAPR 0xf8bfc201u   /* ldapr x1, [x16] */
#define STRB 0x39000202u    /* strb w2, [x16] */
#define STLRB 0x089ffe02u   /* stlrb w2, [x16] */
#define LDADDAL 0xb8e10203u /* ldaddal w1, w3, [x16] */
#define NOP 0xd503201fu

static const char contracts[] =
    "contract range.base = block\ncontract end = exclusive\ncontract codemap = 1\n"
    "contract memop.restart = tag_address\ncontract recorder = 1\ncontract core_id = tag\n"
    "contract frame.flags = nzcv\n"
    "register frame = x28\nregister host_core_id = x27\nregister address = x16\n"
    "register flags = nzcv\n"
    "register rax = x0\nregister rcx = x1\nregister rdx = x2\nregister rbx = x3\n"
    "register rsp = x4\nregister rbp = x5\nregister rsi = x6\nregister rdi = x7\n"
    "register r8 = x8\nregister r9 = x9\nregister r10 = x10\nregister r11 = x11\n"
    "register r12 = x12\nregister r13 = x13\nregister r14 = x14\nregister r15 = x15\n"
    "register xmm0 = v0\nregister xmm1 = v1\nregister xmm2 = v2\nregister xmm3 = v3\n"
    "register xmm4 = v4\nregister xmm5 = v5\nregister xmm6 = v6\nregister xmm7 = v7\n"
    "register xmm8 = v8\nregister xmm9 = v9\nregister xmm10 = v10\nregister xmm11 = v11\n"
    "register xmm12 = v12\nregister xmm13 = v13\nregister xmm14 = v14\nregister xmm15 = v15\n";

static uint32_t* code;
static uint32_t shared_insert;

static void word(uint64_t address, uint32_t value) { memcpy((void*)address, &value, 4); }

static struct mtedbg_Memop memop(uint64_t id, uint64_t tag_address, uint64_t address,
                                 uint32_t access, uint32_t size, uint32_t mode, uint32_t insert,
                                 uint32_t access_word) {
  struct mtedbg_Memop one = {.id = id,
                             .address = address,
                             .tag_address = tag_address,
                             .block = 2,
                             .guest_rip = 0x401000 + 8 * id,
                             .access = access,
                             .size = size,
                             .mode = mode};
  if (tag_address) word(tag_address, insert);
  word(address, access_word);
  return one;
}

static uint64_t memops(uint64_t base, uint32_t* count) {
  struct mtedbg_Memop* all = take(6 * sizeof *all);
  all[0] = memop(1, base + 0x10, base + 0x14, MTEDBG_Access_Load, 8, MTEDBG_Mode_Local, BFI, LDR);
  all[1] = memop(2, base + 0x20, base + 0x24, MTEDBG_Access_Store, 1, MTEDBG_Mode_Shared,
                 shared_insert, STLRB);
  all[1].flips = 1;
  all[1].faults = 2;
  all[1].last_fault_address = 0x500010;
  all[1].last_fault_time = 1000;
  all[1].last_fault_logical_tag = 2;
  all[1].last_fault_allocation_tag = 3;
  all[1].last_fault_core = 2;
  /* In the middle of a patch: the access is written, the tag insert and the record are not. */
  all[2] = memop(3, base + 0x30, base + 0x34, MTEDBG_Access_Load, 8, MTEDBG_Mode_Local, BFI, LDAPR);
  all[3] = memop(4, base + 0x40, base + 0x44, MTEDBG_Access_ReadModifyWrite, 4, MTEDBG_Mode_Local,
                 BFI, LDADDAL);
  all[4] = memop(5, 0, base + 0x54, MTEDBG_Access_Load, 8, MTEDBG_Mode_Shared, 0, LDAPR);
  /* Recorded as local, but its words are shared, and nobody is patching it; [1] is not next to [2].
   */
  all[5] = memop(6, base + 0x60, base + 0x68, MTEDBG_Access_Store, 1, MTEDBG_Mode_Local,
                 shared_insert, STLRB);
  word(base + 0x64, NOP);
  *count = 6;
  return place("memops", all);
}

static struct mtedbg_Range range(uint32_t begin, uint32_t end, uint32_t kind, uint32_t function,
                                 uint64_t rip, const char* symbol) {
  struct mtedbg_Range one = {
      .begin = begin, .end = end, .kind = kind, .function = function, .guest_rip = rip};
  if (symbol) one.symbol = text(symbol), one.symbol_length = (uint32_t)strlen(symbol);
  return one;
}

static void ranges(struct mtedbg_Block* block, const struct mtedbg_Range* all, uint32_t count) {
  struct mtedbg_Range* kept = take(count * sizeof *kept);
  memcpy(kept, all, count * sizeof *kept);
  block->ranges = (uintptr_t)kept;
  block->range_count = count;
  block->ranges_checksum = mtedbg_crc32(kept, count * sizeof *kept);
}

static uint64_t code_map(uint32_t many) {
  uint64_t base = (uintptr_t)code;
  struct mtedbg_Block blocks[3] = {
      {.base = base,
       .length = 0x100,
       .id = 1,
       .generation = 1,
       .segment = 1,
       .kind = MTEDBG_BlockKind_SharedStubs,
       .state = MTEDBG_BlockState_Published,
       .code = 1},
      {.base = base + 0x140,
       .length = 0x200,
       .id = 2,
       .generation = 2,
       .segment = 1,
       .kind = MTEDBG_BlockKind_BaselineTier,
       .tier = MTEDBG_Tier_Baseline,
       .state = MTEDBG_BlockState_Published,
       .supersedes = 9,
       .code = 2},
      {.base = base + 0x800,
       .length = many * 8,
       .id = 3,
       .generation = 2,
       .segment = 1,
       .kind = MTEDBG_BlockKind_OptimizedTier,
       .tier = MTEDBG_Tier_Optimized,
       .state = MTEDBG_BlockState_Published,
       .code = 2},
  };
  struct mtedbg_Range stubs[] = {
      range(0, 0x40, MTEDBG_RangeKind_EntryStub, UINT32_MAX, 0, "enter"),
      range(0x40, 0x80, MTEDBG_RangeKind_BuiltinThunk, UINT32_MAX, 0, "memcpy"),
      range(0xc0, 0x100, MTEDBG_RangeKind_FaultTrampoline, UINT32_MAX, 0, NULL)};
  struct mtedbg_Range functions[] = {
      range(0, 0x100, MTEDBG_RangeKind_Function, 0, 0x401000, NULL),
      range(0x100, 0x1c0, MTEDBG_RangeKind_Function, 1, 0x402000, NULL)};
  ranges(&blocks[0], stubs, 3);
  ranges(&blocks[1], functions, 2);
  blocks[1].memops = memops(blocks[1].base, &blocks[1].memop_count);
  struct mtedbg_Range* each = malloc(many * sizeof *each);
  for (uint32_t n = 0; n < many; ++n)
    each[n] = range(n * 8, n * 8 + 4, MTEDBG_RangeKind_Function, n % 2, 0x403000 + n, NULL);
  ranges(&blocks[2], each, many);
  free(each);
  place("stubs", (void*)blocks[0].base);
  place("baseline", (void*)blocks[1].base);
  place("many", (void*)blocks[2].base);
  place("ranges", (void*)blocks[1].ranges);
  return table("code-map", blocks, sizeof *blocks, 3);
}

static uint64_t retired(void) {
  struct mtedbg_Range one = range(0, 0x40, MTEDBG_RangeKind_Function, 1, 0x402000, NULL);
  struct mtedbg_Block block = {.base = (uintptr_t)code + 0x400,
                               .length = 0x80,
                               .id = 9,
                               .segment = 1,
                               .kind = MTEDBG_BlockKind_BaselineTier,
                               .tier = MTEDBG_Tier_Baseline,
                               .state = MTEDBG_BlockState_Retired,
                               .superseded_by = 2,
                               .reason = text("made again"),
                               .reason_length = 10,
                               .code = 2};
  ranges(&block, &one, 1);
  place("gone", (void*)block.base);
  return table("retired", &block, sizeof block, 1);
}

static struct mtedbg_Recorder* recorder(uint64_t thread, uint64_t head, uint64_t first_clock) {
  struct mtedbg_Recorder* one = take(sizeof *one);
  struct mtedbg_Record* events = take(8 * sizeof *events);
  *one = (struct mtedbg_Recorder){.head = head,
                                  .events = (uintptr_t)events,
                                  .capacity = 8,
                                  .stride = sizeof *events,
                                  .thread = thread};
  for (uint64_t n = head > 8 ? head - 8 : 0; n < head; ++n)
    events[n % 8] = (struct mtedbg_Record){.order = n + 1,
                                           .clock = first_clock + 2 * n,
                                           .time = 1000 + n,
                                           .memop = n % 3,
                                           .address = 0x500000 + n,
                                           .old_value = 2,
                                           .new_value = 0,
                                           .event = MTEDBG_Event_Retag,
                                           .core = 2};
  return one;
}

static uint64_t threads(void) {
  static const uint32_t states[] = {MTEDBG_ThreadState_Parked, MTEDBG_ThreadState_Jit,
                                    MTEDBG_ThreadState_Thunk};
  static const uint64_t tids[] = {100, 100, 101};
  struct mtedbg_Thread all[3];
  for (uint64_t n = 0; n < 3; ++n) {
    char name[16];
    struct mtedbg_GuestFrame* frame = take(sizeof *frame);
    uint64_t* registers = &frame->rax;
    for (uint64_t r = 0; r < 16; ++r) registers[r] = 0x1000 * (n + 1) + r;
    frame->rip = 0x401100 + n;
    frame->flags = UINT64_C(5) << 29; /* N, C */
    frame->host_core_id = n + 1;
    frame->thread_id = n + 1;
    frame->state = states[n];
    snprintf(name, sizeof name, "frame%d", (int)n + 1);
    struct mtedbg_Recorder* ring = recorder(n + 1, n == 1 ? 11 : 3, 100 + n);
    struct mtedbg_Record* events = (void*)ring->events;
    if (n == 1) {
      /* Memop 2 was patched from local to shared; another record is being written. */
      events[9 % 8].event = MTEDBG_Event_Patch;
      events[9 % 8].memop = 2;
      events[9 % 8].old_value = MTEDBG_Mode_Local;
      events[9 % 8].new_value = MTEDBG_Mode_Shared;
      events[10 % 8].order = 0;
    }
    all[n] = (struct mtedbg_Thread){
        .id = n + 1, .host_tid = tids[n], .frame = place(name, frame), .recorder = (uintptr_t)ring};
  }
  return table("threads", all, sizeof *all, 3);
}

static uint64_t functions(void) {
  static const char* names[] = {"main", "sum"};
  struct mtedbg_Function all[2];
  for (uint32_t n = 0; n < 2; ++n)
    all[n] = (struct mtedbg_Function){.index = n,
                                      .name = text(names[n]),
                                      .name_length = (uint32_t)strlen(names[n]),
                                      .guest_begin = 0x401000 + 0x1000 * n,
                                      .guest_end = 0x402000 + 0x1000 * n};
  return table("functions", all, sizeof *all, 2);
}

static uint64_t segments(void) {
  struct mtedbg_Segment one = {.id = 1,
                               .base = (uintptr_t)code,
                               .capacity = CODE_SIZE,
                               .used = 0x800,
                               .blocks = 3,
                               .references = 3};
  return table("segments", &one, sizeof one, 1);
}

static uint64_t journal(void) {
  struct mtedbg_Journal* slots = take(2 * sizeof *slots);
  slots[0] = (struct mtedbg_Journal){.operation = MTEDBG_Operation_PatchMemop,
                                     .phase = MTEDBG_Phase_PatchAddress,
                                     .thread = 2,
                                     .block = 2,
                                     .memop = 3,
                                     .address = 0x500020,
                                     .old_tag = 2,
                                     .old_mode = MTEDBG_Mode_Local,
                                     .new_mode = MTEDBG_Mode_Shared};
  return place("journal", slots);
}

static uint64_t config(uint32_t shared_tag) {
  struct mtedbg_Config* one = take(sizeof *one);
  *one = (struct mtedbg_Config){.shared_tag = shared_tag,
                                .cores = 3,
                                .policy = MTEDBG_Policy_Sticky,
                                .core_id_source = MTEDBG_CoreIdSource_RseqRead,
                                .memops_start = MTEDBG_Mode_Local,
                                .pin_threshold = 8};
  return place("config", one);
}

/* In code that is nobody's block: that of the handler. */
static uint64_t phases(uint32_t* count) {
  static const uint32_t all[] = {
      MTEDBG_Phase_Fault,        MTEDBG_Phase_Lookup, MTEDBG_Phase_Lock,   MTEDBG_Phase_PatchMemop,
      MTEDBG_Phase_PatchAddress, MTEDBG_Phase_Icache, MTEDBG_Phase_Unlock, MTEDBG_Phase_Resume};
  *count = sizeof all / sizeof *all;
  struct mtedbg_PhasePoint* points = take(sizeof all / sizeof *all * sizeof *points);
  uint64_t handler = place("handler", take(0x100));
  for (uint32_t n = 0; n < *count; ++n)
    points[n] = (struct mtedbg_PhasePoint){.phase = all[n], .address = handler + 0x10 * n};
  return place("phases", points);
}

static uint64_t lock(void) {
  struct mtedbg_Lock* one = take(sizeof *one);
  one->thread = 2;
  return place("lock", one);
}

/* The stubs that all programs share, and the one program. */
static uint64_t codes(void) {
  struct mtedbg_Code all[2] = {{.id = 1},
                               {.id = 2,
                                .name = text("guest.elf"),
                                .name_length = 9,
                                .digest = UINT64_C(0x20089abcdef),
                                .guest_begin = 0x401000,
                                .guest_end = 0x404000}};
  return table("codes", all, sizeof *all, 2);
}

static void name(struct mtedbg_Named* at, const char* name, const char* type, uint64_t address,
                 uint32_t count, uint32_t stride, uint32_t form) {
  *at = (struct mtedbg_Named){.name = text(name),
                              .type_name = text(type),
                              .address = address,
                              .count = count,
                              .stride = stride,
                              .form = form};
}

static void fill(struct mtedbg_root* root, uint32_t many, uint32_t shared_tag) {
  struct mtedbg_Named* named = take(10 * sizeof *named);
  name(&named[0], "code-map", "Block", code_map(many), 1, sizeof(struct mtedbg_Block),
       in_slots ? MTEDBG_Form_Slots : MTEDBG_Form_Table);
  name(&named[1], "retired", "Block", retired(), 1, sizeof(struct mtedbg_Block), MTEDBG_Form_Table);
  name(&named[2], "segments", "Segment", segments(), 1, sizeof(struct mtedbg_Segment),
       MTEDBG_Form_Table);
  name(&named[3], "threads", "Thread", threads(), 1, sizeof(struct mtedbg_Thread),
       MTEDBG_Form_Table);
  name(&named[4], "functions", "Function", functions(), 1, sizeof(struct mtedbg_Function),
       in_slots ? MTEDBG_Form_Slots : MTEDBG_Form_Table);
  name(&named[5], "journal", "Journal", journal(), 2, sizeof(struct mtedbg_Journal),
       MTEDBG_Form_Array);
  name(&named[6], "config", "Config", config(shared_tag), 1, sizeof(struct mtedbg_Config),
       MTEDBG_Form_Record);
  name(&named[7], "codes", "Code", codes(), 1, sizeof(struct mtedbg_Code), MTEDBG_Form_Table);
  uint32_t points;
  uint64_t first = phases(&points);
  name(&named[8], "phases", "PhasePoint", first, points, sizeof(struct mtedbg_PhasePoint),
       MTEDBG_Form_Array);
  name(&named[9], "lock", "Lock", lock(), 1, sizeof(struct mtedbg_Lock), MTEDBG_Form_Record);
  size_t length = mtedbg_write_schema(NULL, 0, contracts);
  char* schema = take(length);
  mtedbg_write_schema(schema, length, contracts);
  *root = (struct mtedbg_root){.magic = MTEDBG_ROOT_MAGIC,
                               .size = sizeof *root,
                               .abi_major = MTEDBG_ABI_MAJOR,
                               .abi_minor = MTEDBG_ABI_MINOR,
                               .endian = MTEDBG_ENDIAN_PROBE,
                               .schema_size = (uint32_t)length,
                               .self = place("root", root),
                               .schema = place("schema", schema),
                               .named = place("named", named),
                               .named_count = 10,
                               .schema_checksum = mtedbg_crc32(schema, length),
                               .name = text("image"),
                               .name_length = 5,
                               .state = MTEDBG_RootState_Ready};
  root->checksum = mtedbg_crc32(root, offsetof(struct mtedbg_root, checksum));
}

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  in_slots = strcmp(argv[4], "slots") == 0;
  arena = mmap((void*)ARENA, SIZE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (arena != (void*)ARENA) return perror("mmap"), 1;
  uint32_t shared_tag = (uint32_t)atoi(argv[3]);
  shared_insert = shared_tag == 0 ? BFC : ORR;
  struct mtedbg_root* root = take(sizeof *root);
  code = take(CODE_SIZE);
  fill(root, (uint32_t)atoi(argv[2]), shared_tag);
  FILE* out = fopen(argv[1], "wb");
  if (!out || fwrite(arena, 1, used, out) != used || fclose(out)) return perror(argv[1]), 1;
  return 0;
}
