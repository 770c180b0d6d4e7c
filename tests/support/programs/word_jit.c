/* SPDX-License-Identifier: MIT
 *
 * A JIT for a language of one line per function, which publishes a debug root: written from
 * docs/debug-abi.md and debug_root.h alone, without a look at the reader or at another adopter.
 *
 *   fetch: x @              x is the argument, `@` loads what the address on the stack points to
 *   next: x 8 + fetch       a name calls that function with what is on top of the stack
 *
 * All its records are on the heap, with the heap's tags; functions and blocks are slots, and every
 * function is compiled again when all are known: the first code is retired. Functions that call
 * nothing have no frame.
 *
 *   word_jit FILE NAME ARGUMENT [EXTRA]     prints NAME(ARGUMENT); EXTRA more functions are
 * compiled
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mtedbg/debug_root.h"

enum { kCodeBytes = 1 << 24, kDeepest = 6, kFirstValue = 9, kChunk = 256, kRetired = 8 };

/* What a reader follows is in writable memory: literals would be missing in a core. */
static char file_name[256];
static char text_words[] = "words";
static char text_map[] = "code-map", text_functions[] = "functions", text_retired[] = "retired";
static char text_block[] = "Block", text_function[] = "Function";
static char text_reason[] = "compiled again, when what it calls was known";
static char schema[32768];

struct mtedbg_root mtedbg_root __attribute__((visibility("default")));
static struct mtedbg_Slots code_map, functions;
static struct mtedbg_Table retired;
static struct mtedbg_Named named[3];
static struct mtedbg_Block last_retired[kRetired]; /* the newest last */
static size_t retired_count;

typedef struct {
  char* name;
  char* body;
  unsigned line;
  uint32_t* code; /* what callers go to: they load it from here */
  struct mtedbg_Block block;
  int64_t slot;
} Word;

static Word* words;
static unsigned word_count;
static uint32_t* code_begin;
static uint32_t* here;
static uint64_t next_id = 1;

static void* allocate(size_t bytes) { return calloc(1, bytes); }

static void* checked(void* memory) {
  if (memory == NULL) abort();
  return memory;
}

static void emit(uint32_t instruction) {
  if (here == code_begin + kCodeBytes / 4) abort();
  *here++ = instruction;
}

static void emit_constant(unsigned target, uint64_t value) {
  for (unsigned half = 0; half < 4; ++half)
    emit((half == 0 ? 0xD2800000u : 0xF2800000u) | half << 21 |
         (uint32_t)(value >> 16 * half & 0xFFFF) << 5 | target);
}

static Word* find(const char* name) {
  for (unsigned i = 0; i < word_count; ++i)
    if (strcmp(words[i].name, name) == 0) return &words[i];
  fprintf(stderr, "%s: not known\n", name);
  exit(2);
}

/* With a frame, value n is in the frame while something is called. */
static void spill(unsigned depth, uint32_t instruction) {
  for (unsigned i = 0; i < depth; ++i)
    emit(instruction | (3 + i) << 10 | 29 << 5 | (kFirstValue + i));
}

static void compile(Word* word) {
  uint32_t* const begin = here;
  char* body = checked(strdup(word->body));
  int calls = 0;
  for (char* at = body; *at != '\0'; ++at)
    if ((*at >= 'a' && *at <= 'z' && *at != 'x') || (*at == 'x' && at[1] > ' ')) calls = 1;
  const uint32_t frame = calls ? 24 + 8 * kDeepest + 8 : 0;
  if (calls) {
    emit(0xA9800000u | (uint32_t)(-(int)frame / 8 & 0x7F) << 15 | 30 << 10 | 31 << 5 | 29);
    emit(0x910003FDu);                         /* mov x29, sp */
    emit(0xF9000000u | 2 << 10 | 29 << 5 | 0); /* str x0, [x29, #16] */
  }
  unsigned depth = 0;
  for (char* token = strtok(body, " \n"); token != NULL; token = strtok(NULL, " \n")) {
    const unsigned top = kFirstValue + depth - 1;
    if (depth == kDeepest) abort();
    if (strcmp(token, "x") == 0) {
      if (calls)
        emit(0xF9400000u | 2 << 10 | 29 << 5 | (kFirstValue + depth++));
      else
        emit(0xAA0003E0u | (kFirstValue + depth++)); /* mov value, x0 */
    } else if (*token >= '0' && *token <= '9') {
      emit_constant(kFirstValue + depth++, strtoull(token, NULL, 0));
    } else if (strcmp(token, "+") == 0) {
      emit(0x8B000000u | top << 16 | (top - 1) << 5 | (top - 1));
      --depth;
    } else if (strcmp(token, "*") == 0) {
      emit(0x9B007C00u | top << 16 | (top - 1) << 5 | (top - 1));
      --depth;
    } else if (strcmp(token, "@") == 0) {
      emit(0xF9400000u | top << 5 | top); /* ldr value, [value] */
    } else {
      spill(depth - 1, 0xF9000000u);
      emit(0xAA0003E0u | top << 16); /* mov x0, value */
      emit_constant(16, mtedbg_address(&find(token)->code));
      emit(0xF9400000u | 16 << 5 | 16);
      emit(0xD63F0000u | 16 << 5); /* blr x16 */
      emit(0xAA0003E0u | top);
      for (unsigned i = 0; i + 1 < depth; ++i)
        emit(0xF9400000u | (3 + i) << 10 | 29 << 5 | (kFirstValue + i));
    }
  }
  emit(0xAA0003E0u | kFirstValue << 16);
  if (calls) emit(0xA8C00000u | (frame / 8) << 15 | 30 << 10 | 31 << 5 | 29);
  emit(0xD65F03C0u); /* ret */
  free(body);
  __builtin___clear_cache((char*)begin, (char*)here);

  struct mtedbg_Line* line = checked(allocate(sizeof *line));
  line->begin = 0;
  line->line = word->line;
  line->file = mtedbg_address(file_name);
  struct mtedbg_Range* range = checked(allocate(sizeof *range));
  range->begin = 0;
  range->end = (uint32_t)((char*)here - (char*)begin);
  range->kind = MTEDBG_RangeKind_Function;
  range->function = (uint32_t)(word - words);
  range->frame = calls ? MTEDBG_FrameKind_Record : MTEDBG_FrameKind_Leaf;
  range->frame_size = frame;
  range->lines = mtedbg_address(line);
  range->line_count = 1;
  struct mtedbg_Details* details = checked(allocate(sizeof *details));
  details->owner = mtedbg_address(file_name);
  details->owner_length = (uint32_t)strlen(file_name);

  struct mtedbg_Block block;
  memset(&block, 0, sizeof block);
  block.base = mtedbg_address(begin);
  block.length = range->end;
  block.id = next_id++;
  block.generation = 1;
  block.ranges = mtedbg_address(range);
  block.range_count = 1;
  block.ranges_checksum = mtedbg_crc32(range, sizeof *range);
  block.kind = MTEDBG_BlockKind_BaselineTier;
  block.tier = MTEDBG_Tier_Baseline;
  block.state = MTEDBG_BlockState_Published;
  block.details = mtedbg_address(details);
  if (word->code == NULL) {
    word->slot =
        mtedbg_slots_append(&code_map, &block, block.base, block.base + block.length, allocate);
    if (word->slot < 0) abort();
  } else {
    block.kind = MTEDBG_BlockKind_OptimizedTier;
    block.tier = MTEDBG_Tier_Optimized;
    block.supersedes = word->block.id;
    mtedbg_slots_change(&code_map, (uint64_t)word->slot, &block, block.base,
                        block.base + block.length);
    struct mtedbg_Block old = word->block;
    old.state = MTEDBG_BlockState_Retired;
    old.superseded_by = block.id;
    old.reason = mtedbg_address(text_reason);
    old.reason_length = sizeof text_reason - 1;
    if (retired_count == kRetired)
      memmove(last_retired, last_retired + 1, --retired_count * sizeof old);
    last_retired[retired_count++] = old;
    if (mtedbg_publish_table(&retired, last_retired, retired_count, sizeof old, allocate) != 0)
      abort();
  }
  struct mtedbg_Function function;
  memset(&function, 0, sizeof function);
  function.index = (uint32_t)(word - words);
  function.name = mtedbg_address(word->name);
  function.name_length = (uint32_t)strlen(word->name);
  function.block = block.id;
  function.best_tier = block.tier;
  function.tier_state = MTEDBG_TierState_Committed;
  if (word->code == NULL) {
    if (mtedbg_slots_append(&functions, &function, 0, UINT64_MAX, allocate) < 0) abort();
  } else {
    mtedbg_slots_change(&functions, function.index, &function, 0, UINT64_MAX);
  }
  word->block = block;
  word->code = begin;
}

static void name_it(struct mtedbg_Named* entry, char* name, char* type, void* address,
                    uint32_t stride, uint32_t form) {
  entry->name = mtedbg_address(name);
  entry->type_name = mtedbg_address(type);
  entry->address = mtedbg_address(address);
  entry->count = 1;
  entry->stride = stride;
  entry->form = form;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  snprintf(file_name, sizeof file_name, "%s", argv[1]);
  FILE* source = fopen(file_name, "r");
  if (source == NULL) return 2;
  const unsigned extra = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 0) : 0;
  words = checked(calloc(extra + 64, sizeof *words));
  char line[256];
  while (fgets(line, sizeof line, source) != NULL && word_count < 64) {
    char* colon = strchr(line, ':');
    if (colon == NULL) continue;
    *colon = '\0';
    words[word_count].line = word_count + 1;
    words[word_count].name = checked(strdup(line));
    words[word_count++].body = checked(strdup(colon + 1));
  }
  fclose(source);
  code_begin = here = mmap(NULL, kCodeBytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (here == MAP_FAILED) abort();
  const unsigned written = word_count;
  for (unsigned i = 0; i < extra; ++i) {
    snprintf(line, sizeof line, "extra%u", i);
    words[word_count].name = checked(strdup(line));
    words[word_count].line = 1;
    words[word_count++].body = checked(strdup("x 1 +"));
  }

  const size_t length = mtedbg_write_schema(schema, sizeof schema,
                                            "contract range.base = block\n"
                                            "contract end = exclusive\n"
                                            "contract codemap = 1\n");
  if (length > sizeof schema) abort();
  mtedbg_slots_open(&code_map, sizeof(struct mtedbg_Block), kChunk);
  mtedbg_slots_open(&functions, sizeof(struct mtedbg_Function), kChunk);
  name_it(&named[0], text_map, text_block, &code_map, sizeof(struct mtedbg_Block),
          MTEDBG_Form_Slots);
  name_it(&named[1], text_functions, text_function, &functions, sizeof(struct mtedbg_Function),
          MTEDBG_Form_Slots);
  name_it(&named[2], text_retired, text_block, &retired, sizeof(struct mtedbg_Block),
          MTEDBG_Form_Table);
  mtedbg_publish_root(&mtedbg_root, text_words, schema, length, named, 3);

  for (unsigned i = 0; i < word_count; ++i) compile(&words[i]);
  for (unsigned i = 0; i < written; ++i) compile(&words[i]);
  uint64_t (*const entry)(uint64_t) = (uint64_t(*)(uint64_t))(uintptr_t)find(argv[2])->code;
  printf("%" PRIu64 "\n", entry(strtoull(argv[3], NULL, 0)));
  return 0;
}
