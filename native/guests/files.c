/* SPDX-License-Identifier: MIT */
/* Memory that the host writes and reads: `files PATH` maps a file and compares it with standard
 * input, which has the same bytes, read piece by piece into memory of its own thread's core, into
 * the image's and into another thread's; and writes the whole to standard output from there. */
#include "mtetso_guest.h"

enum { PIECE = 100 }; /* pieces begin in the middle of granules */

static char image[PIECE];

struct other {
  char* memory;
};

static uint64_t make(void* argument) {
  struct other* other = argument;
  other->memory = mtetso_allocate(PIECE); /* local to this thread's core */
  for (int i = 0; i < PIECE; ++i) other->memory[i] = (char)i;
  return 0;
}

static uint64_t sum_of(const char* bytes, size_t size) {
  uint64_t sum = 0;
  for (size_t i = 0; i < size; ++i) sum = sum * 31 + (unsigned char)bytes[i];
  return sum;
}

static int compare(const char* file, size_t length, char* const places[3]) {
  size_t at = 0;
  for (int turn = 0;; turn = (turn + 1) % 3) {
    char* piece = places[turn];
    piece[0] = 1; /* it is the guest's by a memop before it is the host's */
    const long got = mtetso_read(piece, PIECE - 3);
    if (got < 0) return failed("standard input cannot be read");
    if (got == 0) break;
    if (at + (size_t)got > length) return failed("standard input is longer than the file");
    for (long i = 0; i < got; ++i)
      if (piece[i] != file[at + (size_t)i]) return failed("the bytes differ");
    if (mtetso_write(piece, (size_t)got) != got) return failed("standard output");
    at += (size_t)got;
  }
  return at == length ? 0 : failed("standard input is shorter than the file");
}

int main(int argc, char** argv) {
  size_t length = 0;
  if (mtetso_map_file("/nonexistent/file", &length) != NULL) return failed("a file from nowhere");
  if (argc < 2) return failed("usage: files PATH < PATH");
  char* file = mtetso_map_file(argv[1], &length);
  if (file == NULL) return failed("the file cannot be mapped");
  struct other other;
  mtetso_join(mtetso_spawn(make, &other));
  char stack[PIECE];
  char* const places[3] = {stack, image, other.memory + 3};
  const int bad = compare(file, length, places);
  if (bad != 0) return bad;
  file[0] = (char)(file[0] + 1); /* its own copy: the file stays as it is */
  char* again = mtetso_map_file(argv[1], &length);
  if (again == NULL || again[0] == file[0]) return failed("the file has changed");
  print_number("sum ", sum_of(file + 1, length - 1), "\n");
  if (mtetso_write((char*)16, 1) != -1) return failed("the host reads anything");
  return 0;
}
