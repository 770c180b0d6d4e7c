/* SPDX-License-Identifier: MIT */
/* Strings, sorting and searching. */
#define _GNU_SOURCE
#include <ctype.h>
#include <search.h>

#include "harness.h"

enum { WORDS = 300 };

static int by_text(const void* a, const void* b) {
  return strcmp(*(char* const*)a, *(char* const*)b);
}
static int by_pointed(const void* a, const void* b) { return strcmp(a, b); }

int main(void) {
  char* text = malloc(8000);
  char* words[WORDS];
  size_t count = 0;
  bench_text(text, 8000);
  text[7999] = '\0';
  char* copy = strdup(text);
  char* rest = copy;
  for (char* word; count < WORDS && (word = strsep(&rest, " \n")) != NULL;)
    if (*word != '\0') words[count++] = word;
  CHECK(count == WORDS);
  qsort(words, count, sizeof *words, by_text);
  for (size_t i = 1; i < count; ++i) CHECK(strcmp(words[i - 1], words[i]) <= 0);
  const char* wanted = "granule";
  char** found = bsearch(&wanted, words, count, sizeof *words, by_text);
  CHECK(found != NULL && strcmp(*found, wanted) == 0);
  void* root = NULL;
  for (size_t i = 0; i < count; ++i) CHECK(tsearch(words[i], &root, by_pointed) != NULL);
  for (size_t i = 0; i < count; ++i) CHECK(tfind(words[i], &root, by_pointed) != NULL);
  CHECK(hcreate(2 * WORDS));
  for (size_t i = 0; i < count; ++i) CHECK(hsearch((ENTRY){words[i], text}, ENTER) != NULL);
  CHECK(hsearch((ENTRY){"nowhere", NULL}, FIND) == NULL);
  CHECK(strstr(text, "granule") == memmem(text, 7999, "granule", 7));
  CHECK(strspn("aabbc", "ab") == 4 && strcspn("aabbc", "c") == 4 && strcasecmp("TAG", "tag") == 0);
  char* end = NULL;
  char* joined = malloc(8000);
  joined[0] = '\0';
  for (size_t i = 0; i < 40; ++i) end = strcat(joined, words[i]);
  CHECK(end == joined && strlen(joined) > 40 && strrchr(joined, joined[0]) != NULL);
  memmove(joined + 3, joined, 90);
  CHECK(memchr(joined, joined[3], 90) != NULL && toupper('a') == 'A' && isspace('\n'));
  return 0;
}
