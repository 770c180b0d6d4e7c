/* SPDX-License-Identifier: MIT
 *
 * What a guest program can call: host functions, imported through the stubs in imports.S (in the
 * runtime) or defined by native_imports.c (on an x86-64 host, as the oracle of tests).
 */
#ifndef MTETSO_GUEST_H
#define MTETSO_GUEST_H

#include <stddef.h>
#include <stdint.h>

/* Writes to standard output; the size, or -1. */
long mtetso_write(const void* bytes, size_t size);
_Noreturn void mtetso_exit(int status);
/* Starts function(argument) as a thread; its id, or -1. */
long mtetso_spawn(uint64_t (*function)(void*), void* argument);
/* Waits for a thread; what its function returned. */
uint64_t mtetso_join(long id);
/* Zeroed memory, local to the caller's core; NULL where there is none. It is never given back. */
void* mtetso_allocate(size_t size);
int mtetso_core_id(void);
void mtetso_yield(void);
/* Calls function(a, b) as the host's own code does that was given its address. */
uint64_t mtetso_call(uint64_t (*function)(uint64_t, uint64_t), uint64_t a, uint64_t b);
/* Sorts numbers, stably, by less(a, b); 0, or -1. */
int mtetso_sort(uint64_t* values, size_t count, int (*less)(uint64_t, uint64_t));
/* Another program, beside this one: its handle, or -1. Its entry point is not run. */
long mtetso_load(const char* path);
/* The address of one of its functions, or NULL. */
void* mtetso_symbol(long program, const char* name);
/* Takes it away again; nobody may be in it. 0, or -1. */
int mtetso_unload(long program);
/* A host function with a bug: it reads the guest's pointer as if it were the host's own. */
uint64_t mtetso_host_peek(const uint64_t* pointer);

/* Reads from standard input; how many bytes, 0 at its end, or -1. */
long mtetso_read(void* bytes, size_t size);
/* The contents of a file as memory of the caller's own: changes do not reach the file. Its address,
 * and its length in bytes to *length; NULL where there is no such file. */
void* mtetso_map_file(const char* path, size_t* length);

static inline size_t text_length(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

static inline void print(const char* text) { mtetso_write(text, text_length(text)); }

static inline void print_number(const char* before, uint64_t number, const char* after) {
  char digits[21];
  char* at = digits + sizeof digits;
  *--at = '\0';
  do {
    *--at = (char)('0' + number % 10);
    number /= 10;
  } while (number != 0);
  print(before);
  print(at);
  print(after);
}

/* The number in argv[1], or `otherwise`. */
static inline uint64_t argument_or(int argc, char** argv, uint64_t otherwise) {
  if (argc < 2) return otherwise;
  uint64_t number = 0;
  for (const char* c = argv[1]; *c >= '0' && *c <= '9'; ++c)
    number = number * 10 + (uint64_t)(*c - '0');
  return number;
}

/* Prints why and returns a status that no runtime error has. */
static inline int failed(const char* why) {
  print("FAILED: ");
  print(why);
  print("\n");
  return 1;
}

#endif
