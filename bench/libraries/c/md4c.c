/* SPDX-License-Identifier: MIT */
/* Markdown to HTML. */
#include <md4c-html.h>

#include <stdarg.h>
#include <stdio.h>

#include "harness.h"

/* All that is printed: where a numbered list starts. */
int snprintf(char* to, size_t room, const char* format, ...) {
  va_list rest;
  va_start(rest, format);
  unsigned number = va_arg(rest, unsigned);
  va_end(rest);
  size_t at = 0;
  for (const char* c = format; *c != '\0' && at + 2 < room; ++c) {
    if (*c != '%') to[at++] = *c;
    if (*c == '%') to[at++] = (char)('0' + number % 10), ++c;
  }
  to[at] = '\0';
  return (int)at;
}
FILE* const stderr = NULL;
int fprintf(FILE* file, const char* format, ...) {
  (void)file;
  bench_failed(format);
}

enum { TIMES = 40, ROOM = 100000 };

static char html[ROOM];
static size_t written;

static void take(const MD_CHAR* text, MD_SIZE size, void* unused) {
  (void)unused;
  CHECK(size < ROOM - written);
  memcpy(html + written, text, size);
  written += size;
}

static size_t count(const char* wanted) {
  size_t found = 0;
  for (const char* at = html; (at = strstr(at, wanted)) != NULL; ++at) ++found;
  return found;
}

int main(void) {
  static const char kPiece[] =
      "# Title *one*\n\nSome `code`, a [link](http://a.b \"c\") and **bold** text.\n\n"
      "* item\n  1. nested & escaped\n\n> quote\n\n```c\nint x;\n```\n\n| a | b |\n|---|---|\n| 1 "
      "| 2 |\n\n";
  size_t length = sizeof kPiece - 1;
  char* text = malloc(TIMES * length);
  for (size_t i = 0; i < TIMES; ++i) memcpy(text + i * length, kPiece, length);
  CHECK(md_html(text, (MD_SIZE)(TIMES * length), take, NULL, MD_DIALECT_GITHUB, 0) == 0);
  CHECK(count("<h1>Title <em>one</em></h1>") == TIMES && count("</table>") == TIMES);
  CHECK(count("nested &amp; escaped") == TIMES && count("<li>") == 2 * TIMES);
  return 0;
}
