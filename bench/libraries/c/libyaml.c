/* SPDX-License-Identifier: MIT */
/* Parses a document into events, and emits them again until nothing changes. */
#include <yaml.h>

#include "harness.h"

static size_t again(const unsigned char* from, size_t length, unsigned char* to, size_t room) {
  yaml_parser_t parser;
  yaml_emitter_t emitter;
  yaml_event_t event;
  size_t written = 0;
  CHECK(yaml_parser_initialize(&parser) && yaml_emitter_initialize(&emitter));
  yaml_parser_set_input_string(&parser, from, length);
  yaml_emitter_set_output_string(&emitter, to, room, &written);
  for (int last = 0; !last;) {
    CHECK(yaml_parser_parse(&parser, &event));
    last = event.type == YAML_STREAM_END_EVENT;
    CHECK(yaml_emitter_emit(&emitter, &event));
  }
  yaml_parser_delete(&parser);
  yaml_emitter_delete(&emitter);
  return written;
}

int main(void) {
  enum { ROOM = 16000, ENTRIES = 40 };
  unsigned char* first = malloc(ROOM);
  unsigned char* second = malloc(ROOM);
  char* source = malloc(ROOM);
  size_t at = 0;
  for (int i = 0; i < ENTRIES; ++i) {
    static const char kPlain[] = ":\n  - one\n  - {two: 3, four: [5, 6]}\n  - \"seven\\n\"\n";
    source[at++] = 'k';
    source[at++] = (char)('a' + i % 26);
    source[at++] = (char)('a' + i / 26);
    memcpy(source + at, kPlain, sizeof kPlain - 1);
    at += sizeof kPlain - 1;
  }
  size_t one = again((unsigned char*)source, at, first, ROOM);
  size_t two = again(first, one, second, ROOM);
  CHECK(one > 1000 && one == two && memcmp(first, second, one) == 0);
  return 0;
}
