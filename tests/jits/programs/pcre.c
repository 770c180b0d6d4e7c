// Matches a regular expression, compiled to machine code, against text that ends before its length
// says: the code reads past the end of a page. What the library itself says of its code is printed.
#define _GNU_SOURCE
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char* const PATTERNS[] = {
    "a+b",
    "(?<year>[0-9]{4})-(?<month>[0-9][0-9])-(?<day>[0-9]+)",
    "^\\s*(\\w+)\\s*=\\s*(.*?)\\s*$",
    "(?:foo|bar|(x(?1)?y))+baz",
};
enum { COUNT = sizeof(PATTERNS) / sizeof(*PATTERNS) };

__attribute__((noinline)) static int match(pcre2_code* code, const char* text, size_t length) {
  pcre2_match_data* data = pcre2_match_data_create_from_pattern(code, NULL);
  int found = pcre2_match(code, (PCRE2_SPTR)text, length, 0, 0, data, NULL);
  pcre2_match_data_free(data);
  return found;
}

int main(void) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char* text = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(text + page, page);
  memset(text, ' ', page);
  pcre2_code* codes[COUNT];
  for (int at = 0; at < COUNT; at++) {
    int error;
    size_t place;
    codes[at] = pcre2_compile((PCRE2_SPTR)PATTERNS[at], PCRE2_ZERO_TERMINATED,
                              at == 2 ? PCRE2_MULTILINE : 0, &error, &place, NULL);
    uint32_t kinds = PCRE2_JIT_COMPLETE | (at == 1 ? PCRE2_JIT_PARTIAL_HARD : 0);
    if (codes[at] == NULL || pcre2_jit_compile(codes[at], kinds)) return 1;
    size_t size;
    pcre2_pattern_info(codes[at], PCRE2_INFO_JITSIZE, &size);
    printf("pattern %d: %zu bytes, found %d\n", at, size, match(codes[at], "2026-11-30 x = y", 16));
  }
  pcre2_code_free(codes[3]);
  fflush(stdout);
  match(codes[1], text + page - 64, 4096);
  return 0;
}
