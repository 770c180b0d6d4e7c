/* SPDX-License-Identifier: MIT */
/* What a program does with its memory: status 0, or a line for each thing that is not as it is on
   Linux. Arguments are printed. */
#include "raw.h"

static int g_data[5000] = {1, 2, 3};
static int g_zero[50000];
static const char* const g_text = "relocated\n";

static char* map(void* at, word length, int protection, int flags) {
  return (char*)call6(kMmap, (long)at, (long)length, protection, flags, -1, 0);
}

enum { kPrivate = 0x22, kShared = 0x21, kFixed = 0x10, kNoReplace = 0x100000, kNoReserve = 0x4000 };

static void auxiliary(word* vector) {
  for (; vector[0] != 0; vector += 2) {
    if (vector[0] == 6) CHECK(vector[1] == 4096);                /* AT_PAGESZ */
    if (vector[0] == 15) say((const char*)vector[1]), say("\n"); /* AT_PLATFORM */
    if (vector[0] == 23) CHECK(vector[1] == 0);                  /* AT_SECURE */
  }
}

static void anonymous(void) {
  char* small = map(0, 1 << 20, 3, kPrivate);
  CHECK((long)small > 0);
  small[0] = 1;
  small[1 << 19] = 2;
  CHECK(small[5] == 0);
  char* big = (char*)call6(kMremap, (long)small, 1 << 20, 8 << 20, 1, 0, 0);
  CHECK((long)big > 0 && big[0] == 1 && big[1 << 19] == 2);
  big[(8 << 20) - 1] = 5;
  CHECK(CALL3(kMprotect, big, 1 << 16, 1) == 0 && big[0] == 1);
  CHECK(CALL3(kMprotect, big, 1 << 16, 3) == 0);
  big[0] = 9;
  CHECK(big[0] == 9);
  CHECK(CALL3(kMadvise, big, 8 << 20, 4) == 0 && big[0] == 0 && big[1 << 19] == 0);
  CHECK(CALL3(kMunmap, big, 8 << 20, 0) == 0);
  char* again = map(small, 4096, 3, kPrivate | kFixed);
  CHECK(again == small && again[0] == 0);
  again[0] = 7;
  CHECK((long)map(small, 4096, 3, kPrivate | kNoReplace) == -17);
}

/* Pieces that are touched in any order, and next to others, move together. */
static void in_any_order(void) {
  enum { kPiece = 1 << 16, kPieces = 6, kEvery = 4096 };
  char* low = map(0, kPieces * kPiece, 3, kPrivate);
  for (int i = 0; i < kPieces; i += 2) low[i * kPiece] = (char)(i + 1);
  for (int i = kPieces - 1; i > 0; i -= 2) low[i * kPiece] = (char)(i + 1);
  char* moved = (char*)call6(kMremap, (long)low, kPieces * kPiece, 2 * kPieces * kPiece, 1, 0, 0);
  CHECK((long)moved > 0);
  for (int i = 0; i < kPieces; ++i) CHECK(moved[i * kPiece] == i + 1);
  moved[2 * kPieces * kPiece - 1] = 1;
  char* small =
      (char*)call6(kMremap, (long)moved + kEvery, kPieces * kPiece - kEvery, kEvery, 1, 0, 0);
  CHECK(small == moved + kEvery && moved[0] == 1);
  CHECK(CALL3(kMunmap, moved, 2 * kPieces * kPiece, 0) == 0);
  for (int i = 0; i < 20; ++i) CHECK((long)map(0, kPiece, 3, kPrivate) > 0);
}

static const unsigned char g_constant[48] __attribute__((aligned(16))) = {1, 2, 3, [31] = 4, 5, 6};

/* One access for all: its mode is what it has met. */
__attribute__((noinline)) static word load(const unsigned char* at) {
  word loaded;
  __builtin_memcpy(&loaded, at, sizeof loaded);
  return loaded;
}

static void check_loads(const unsigned char* at, word length) {
  for (word i = 0; i + 8 <= length; ++i) {
    word expected = 0;
    for (int byte = 7; byte >= 0; --byte) expected = expected << 8 | at[i + byte];
    CHECK(load(at + i) == expected);
  }
}

/* Misaligned, in memory with an owner, without one, and in both. */
static void constants(void) {
  unsigned char* pages = (unsigned char*)map(0, 2 * 4096, 3, kPrivate);
  for (int i = 0; i < 64; ++i) pages[4096 - 32 + i] = (unsigned char)(3 * i);
  CHECK(CALL3(kMprotect, pages + 4096, 4096, 1) == 0);
  for (int round = 0; round < 3; ++round) {
    check_loads(g_constant, sizeof g_constant);
    check_loads(pages + 4096 - 32, 64);
    check_loads(pages + 2 * 4096 - 32, 32);
  }
}

static void sparse(void) {
  char* huge = map(0, 1ul << 40, 3, kPrivate | kNoReserve);
  CHECK((long)huge > 0);
  huge[1ul << 39] = 3;
  huge[(1ul << 40) - 1] = 1;
  CHECK(huge[1ul << 39] == 3 && huge[5] == 0);
  unsigned char resident[2];
  CHECK(CALL3(kMincore, huge, 8192, resident) == 0);
}

static void shared(void) {
  char* both = map(0, 8192, 3, kShared);
  CHECK((long)both > 0);
  word* counter = (word*)(both + 8);
  *counter = 0x1234567;
  __atomic_fetch_add(counter, 1, __ATOMIC_SEQ_CST);
  CHECK(*counter == 0x1234568);
  word* across = (word*)(both + 4093);
  *across = 5;
  CHECK(*across == 5);
}

static void code(void) {
  const unsigned char answer[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
  unsigned char* made = (unsigned char*)map(0, 4096, 3, kPrivate);
  for (word i = 0; i < sizeof answer; ++i) made[i] = answer[i];
  CHECK(CALL3(kMprotect, made, 4096, 5) == 0 && ((int (*)(void))made)() == 42);
  CHECK(CALL3(kMprotect, made, 4096, 3) == 0);
  made[1] = 43;
  CHECK(CALL3(kMprotect, made, 4096, 5) == 0 && ((int (*)(void))made)() == 43);
  CHECK(CALL3(kMunmap, made, 4096, 0) == 0);
}

static void break_and_segment(void) {
  const long end = CALL3(kBrk, 0, 0, 0);
  CHECK(CALL3(kBrk, end + 8192, 0, 0) == end + 8192);
  ((char*)end)[8000] = 'x';
  *(long*)end = end + 5;
  long own;
  CHECK(CALL3(kArchPrctl, 0x1002, end, 0) == 0);
  __asm__ volatile("mov %%fs:0, %0" : "=r"(own));
  CHECK(own == end + 5);
  CHECK(CALL3(kArchPrctl, 0x1001, end, 0) == 0);
  __asm__ volatile("mov %%gs:0, %0" : "=r"(own));
  CHECK(own == end + 5);
  CHECK(CALL3(kBrk, end, 0, 0) == end);
}

/* MAP_32BIT: in the second GiB, however often, or where it is asked for below its end. */
static void low(void) {
  const word hint = 0x50000000;
  for (word i = 0; i < 4; ++i) {
    const word made = (word)call6(kMmap, i == 1 ? (long)hint : 0, 1 << 20, 3, 0x62, -1, 0);
    CHECK(made >= 0x40000000 && made < 0x80000000);
    CHECK(i != 1 || made == hint);
    *(volatile word*)made = made;
  }
  CHECK(call6(kMmap, 0, 1l << 31, 3, 0x62, -1, 0) == -12);
}

static void deep(void) {
  volatile char bytes[200000];
  bytes[0] = 1;
  bytes[sizeof bytes - 1] = 2;
  CHECK(bytes[0] == 1);
}

static char* map_file(long file, word length, int protection, int flags) {
  return (char*)call6(kMmap, 0, (long)length, protection, flags, file, 0);
}

/* Mappings of files that grow, in place or elsewhere, go on with the file. */
static void grow(void) {
  enum { kOpen = 2, kGetPid = 39, kTruncate = 77, kUnlink = 87, kPage = 4096, kCreate = 0302 };
  static char path[] = "/tmp/growing.0000000";
  word number = (word)CALL3(kGetPid, 0, 0, 0);
  for (char* at = path + sizeof path - 2; number != 0; --at, number /= 10)
    *at = (char)('0' + number % 10);
  const long file = CALL3(kOpen, path, kCreate, 0600);
  CHECK(file >= 0 && CALL3(kTruncate, file, 4 * kPage, 0) == 0);
  char* all = map_file(file, 4 * kPage, 3, 1);
  for (int page = 0; page < 4; ++page) all[page * kPage] = (char)(10 + page);
  for (int kind = 0; kind < 6; ++kind) {
    const int protection = kind % 3 == 0 ? 1 : 3, flags = kind % 3 == 2 ? 2 : 1;
    char* some = map_file(file, kPage, protection, flags);
    CHECK(some[0] == 10);
    /* Something behind it, in half of them. */
    if (kind >= 3) map(some + kPage, kPage, 3, kPrivate | kNoReplace);
    some = (char*)call6(kMremap, (long)some, kPage, 3 * kPage, 1, 0, 0);
    CHECK((long)some > 0 && some[0] == 10 && some[kPage] == 11 && some[2 * kPage] == 12);
    if (protection == 3) {
      some[2 * kPage + 8] = (char)(40 + kind);
      CHECK((all[2 * kPage + 8] == 40 + kind) == (flags == 1));
    }
    all[kPage + 16] = (char)(50 + kind);
    if (flags == 1) CHECK(some[kPage + 16] == 50 + kind);
    CHECK(CALL3(kMunmap, some, 3 * kPage, 0) == 0);
  }
  CHECK(CALL3(kUnlink, path, 0, 0) == 0);
}

static void start(word* stack) {
  char** arguments = (char**)(stack + 1);
  for (word i = 1; i < stack[0]; ++i) say(arguments[i]), say("\n");
  char** environment = arguments + stack[0] + 1;
  while (*environment != 0) ++environment;
  auxiliary((word*)(environment + 1));
  say(g_text);
  g_data[4000] += g_zero[49999] + 7;
  CHECK(g_data[4000] == 7 && g_data[1] == 2);
  anonymous();
  in_any_order();
  constants();
  sparse();
  shared();
  code();
  break_and_segment();
  low();
  grow();
  deep();
  CALL3(kExitGroup, g_wrong, 0, 0);
}
