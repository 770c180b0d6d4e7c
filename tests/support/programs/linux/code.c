/* SPDX-License-Identifier: MIT */
/* Code that a program makes, writes again, moves and takes away, in every way that mappings allow.
 */
#include "raw.h"

enum {
  kRead = 0,
  kOpen = 2,
  kClose = 3,
  kPipe = 22,
  kTruncate = 77,
  kMemoryFile = 319,
  kPage = 4096,
  kPrivate = 0x22,
  kShared = 1,
  kFixed = 0x10,
  kDontNeed = 4
};
enum { kNone = 0, kReads = 1, kWrites = 2, kRuns = 4, kAll = 7 };

typedef unsigned char byte;
typedef int (*function)(void);

static byte* map(void* at, word length, long protection) {
  return (byte*)call6(kMmap, (long)at, (long)length, protection,
                      at == 0 ? kPrivate : kPrivate | kFixed, -1, 0);
}

/* mov eax, value; ret */
static void put(byte* at, int value) {
  at[0] = 0xb8;
  for (int i = 0; i < 4; ++i) at[1 + i] = (byte)(value >> 8 * i);
  at[5] = 0xc3;
}

static int run(const byte* at) { return ((function)(word)at)(); }

/* What /proc/self/maps says of an address: kReads and the like, and 8 where it names a file. */
static int shown(word address) {
  static char text[1 << 16];
  const long file = CALL3(kOpen, "/proc/self/maps", 0, 0);
  word size = 0;
  for (long got; (got = CALL3(kRead, file, text + size, sizeof text - size)) > 0;)
    size += (word)got;
  CALL3(kClose, file, 0, 0);
  for (word at = 0; at < size; ++at) {
    word bounds[2] = {0, 0};
    for (int i = 0; i < 2; ++i, ++at)
      for (; text[at] != '-' && text[at] != ' '; ++at)
        bounds[i] = bounds[i] * 16 + (word)(text[at] < 'a' ? text[at] - '0' : text[at] - 'a' + 10);
    int result = (text[at] == 'r') * kReads | (text[at + 1] == 'w') * kWrites |
                 (text[at + 2] == 'x') * kRuns;
    for (; text[at] != '\n'; ++at)
      if (text[at] == '/') result |= 8;
    if (address >= bounds[0] && address < bounds[1]) return result;
  }
  return -1;
}

static void as_shown(const word* stack) {
  static int data = 1;
  CHECK(shown((word)as_shown) == (kReads | kRuns | 8));
  CHECK(shown((word)&data) == (kReads | kWrites | 8));
  CHECK(shown((word)stack) == (kReads | kWrites));
  const byte* code = map(0, 3 * kPage, kAll);
  CHECK(shown((word)code) == kAll);
  CHECK(CALL3(kMprotect, code + kPage, kPage, kReads | kRuns) == 0);
  CHECK(shown((word)code) == kAll && shown((word)(code + kPage)) == (kReads | kRuns));
  CHECK(CALL3(kMunmap, code, 3 * kPage, 0) == 0 && shown((word)code) == -1);
  /* The auxiliary vector is behind the arguments and the environment. */
  word vector[64];
  const word* at = stack + 1 + stack[0] + 1;
  while (*at++ != 0) continue;
  const long file = CALL3(kOpen, "/proc/self/auxv", 0, 0);
  const long size = CALL3(kRead, file, vector, sizeof vector);
  CHECK(size > 64);
  for (long i = 0; i < size / 8; ++i) CHECK(vector[i] == at[i]);
}

static void written_again(void) {
  byte* code = map(0, 4 * kPage, kAll);
  for (int i = 1; i <= 20; ++i) {
    put(code, i);
    CHECK(run(code) == i);
    put(code + 2 * kPage + 64 * i, 100 + i);
    CHECK(run(code + 2 * kPage + 64 * i) == 100 + i && run(code) == i);
  }
  /* Data in the page of the code, and beside it. */
  *(volatile int*)(code + 512) = 7;
  *(volatile int*)(code + 3 * kPage) = 8;
  CHECK(run(code) == 20 && *(volatile int*)(code + 512) == 7);
  /* The kernel writes to it. */
  int ends[2];
  byte text[6];
  put(text, 77);
  CHECK(CALL3(kPipe, ends, 0, 0) == 0);
  CHECK(CALL3(kWrite, ends[1], text, sizeof text) == sizeof text);
  CHECK(CALL3(kRead, ends[0], code, sizeof text) == sizeof text);
  CHECK(run(code) == 77);
  /* A part of it goes; the rest stays as it is. */
  CHECK(CALL3(kMunmap, code + kPage, kPage, 0) == 0);
  CHECK(run(code) == 77 && run(code + 2 * kPage + 64) == 101);
  put(code, 78);
  put(code + 2 * kPage + 64, 79);
  CHECK(run(code) == 78 && run(code + 2 * kPage + 64) == 79);
  CHECK(CALL3(kMadvise, code + 2 * kPage, 2 * kPage, kDontNeed) == 0);
  CHECK(code[2 * kPage + 64] == 0);
  put(code + 2 * kPage + 64, 80);
  CHECK(run(code) == 78 && run(code + 2 * kPage + 64) == 80);
}

/* mov byte [rip + 1], dil; mov al, 0; movzx eax, al; ret: it writes the operand of the next but
   one instruction, which it reaches by a jump. */
static void writes_itself(void) {
  static const byte words[] = {0x40, 0x88, 0x3d, 0x03, 0,    0,    0,   0xeb,
                               0,    0xb0, 0,    0x0f, 0xb6, 0xc0, 0xc3};
  byte* code = map(0, kPage, kAll);
  for (word i = 0; i < sizeof words; ++i) code[i] = words[i];
  for (int i = 1; i < 20; ++i) CHECK(((int (*)(int))(word)code)(i) == i);
}

static void writable_or_executable(void) {
  byte* code = map(0, kPage, kReads | kWrites);
  for (int i = 1; i <= 5; ++i) {
    put(code, i);
    CHECK(CALL3(kMprotect, code, kPage, kReads | kRuns) == 0);
    CHECK(run(code) == i);
    CHECK(CALL3(kMprotect, code, kPage, i % 2 == 0 ? kReads | kWrites : kAll) == 0);
    put(code + 8, i);
    if (i % 2 != 0) CHECK(run(code + 8) == i);
  }
  CHECK(CALL3(kMprotect, code, kPage, kNone) == 0);
  CHECK(CALL3(kMprotect, code, kPage, kAll) == 0);
  CHECK(run(code) == 5);
  /* Other code where it was. */
  CHECK(map(code, kPage, kAll) == code && code[0] == 0);
  put(code, 33);
  CHECK(run(code) == 33);
}

static void moved(void) {
  for (int all = 0; all < 2; ++all) {
    byte* code = map(0, 2 * kPage, kReads | kWrites);
    put(code, 11);
    put(code + kPage, 12);
    CHECK(CALL3(kMprotect, code, 2 * kPage, all ? kAll : kReads | kRuns) == 0);
    CHECK(run(code) == 11 && run(code + kPage) == 12);
    byte* to = map(0, 4 * kPage, kNone);
    CHECK(call6(kMremap, (long)code, 2 * kPage, 2 * kPage, 3, (long)to, 0) == (long)to);
    CHECK(run(to) == 11 && run(to + kPage) == 12);
    CHECK(CALL3(kMremap, to, 2 * kPage, kPage) == (long)to && run(to) == 11);
    if (!all) continue;
    put(to, 13);
    CHECK(run(to) == 13);
  }
}

static byte* map_file(long file, word length, long protection) {
  return (byte*)call6(kMmap, 0, (long)length, protection, kShared, file, 0);
}

/* Code is written by one mapping of a file, and run by others. */
static void mapped_twice(void) {
  const long file = CALL3(kMemoryFile, "code", 0, 0);
  CHECK(CALL3(kTruncate, file, 4 * kPage, 0) == 0);
  const byte* code = map_file(file, 4 * kPage, kReads | kRuns);
  byte* text = map_file(file, 4 * kPage, kReads | kWrites);
  const byte* other = map_file(file, 4 * kPage, kReads | kRuns);
  for (int i = 1; i <= 5; ++i) {
    put(text, i);
    put(text + kPage + 64 * i, 100 + i);
    CHECK(run(code) == i && run(code + kPage + 64 * i) == 100 + i);
    put(text, 50 + i);
    CHECK(run(other) == 50 + i && run(code) == 50 + i);
  }
  /* From the last bytes of a page into the next one. */
  put((byte*)text + 2 * kPage - 3, 31);
  CHECK(run(code + 2 * kPage - 3) == 31);
  text[2 * kPage] = 1;
  CHECK(run(code + 2 * kPage - 3) == 31 + (1 << 16));
  /* The kernel writes to it. */
  int ends[2];
  byte bytes[6];
  put(bytes, 77);
  CHECK(CALL3(kPipe, ends, 0, 0) == 0);
  CHECK(CALL3(kWrite, ends[1], bytes, sizeof bytes) == sizeof bytes);
  CHECK(CALL3(kRead, ends[0], text, sizeof bytes) == sizeof bytes);
  CHECK(run(code) == 77 && run(other) == 77);
  /* One that may be written as well, made so later. */
  CHECK(CALL3(kMprotect, other, 4 * kPage, kAll) == 0);
  put((byte*)other, 78);
  CHECK(run(code) == 78 && run(other) == 78);
  CHECK(CALL3(kMprotect, other, 4 * kPage, kReads | kRuns) == 0);
  put(text, 79);
  CHECK(run(code) == 79 && run(other) == 79);
  /* Mappings go; the rest stays as it is. */
  CHECK(CALL3(kMunmap, code, kPage, 0) == 0);
  put(text, 80);
  put(text + kPage + 64, 81);
  CHECK(run(other) == 80 && run(code + kPage + 64) == 81);
  CHECK(CALL3(kMunmap, text, 4 * kPage, 0) == 0);
  CHECK(run(other) == 80 && run(code + kPage + 64) == 81);
  text = map_file(file, 4 * kPage, kReads | kWrites);
  put(text + kPage + 64, 82);
  CHECK(run(code + kPage + 64) == 82);
  /* It moves, or begins in the middle of the file. */
  byte* to = map(0, 4 * kPage, kNone);
  CHECK(call6(kMremap, (long)text, 4 * kPage, 4 * kPage, 3, (long)to, 0) == (long)to);
  put(to + kPage + 64, 83);
  CHECK(run(code + kPage + 64) == 83);
  const byte* late = (byte*)call6(kMmap, 0, kPage, kReads | kRuns, kShared, file, kPage);
  CHECK(run(late + 64) == 83);
  put(to + kPage + 64, 84);
  CHECK(run(late + 64) == 84);
  CHECK(call6(kMremap, (long)late, kPage, kPage, 3, (long)(to + kPage), 0) == (long)(to + kPage));
  CHECK(run(to + kPage + 64) == 84);
}

__attribute__((noinline)) static int own(void) {
  int value;
  __asm__ volatile("mov $41, %0" : "=r"(value));
  return value;
}

/* A program that patches its own text. */
static void own_text(void) {
  const word page = (word)own & ~(word)(kPage - 1);
  byte* volatile at = (byte*)(word)own;
  CHECK(own() == 41);
  CHECK(CALL3(kMprotect, page, 2 * kPage, kAll) == 0);
  while (at[0] != 41) ++at;
  *at = 42;
  CHECK(own() == 42);
  CHECK(CALL3(kMprotect, page, 2 * kPage, kReads | kRuns) == 0);
  CHECK(own() == 42);
}

static void start(word* stack) {
  as_shown(stack);
  written_again();
  writes_itself();
  writable_or_executable();
  moved();
  mapped_twice();
  own_text();
  say("done\n");
  CALL3(kExitGroup, g_wrong, 0, 0);
}
