/* What the debug root's header says, one thing a line: "Record.field offset size", and enums as
 * "=Enum.name value 0". */
#include <mtedbg/debug_root.h>
#include <stdio.h>

#define FIELD(type, kind, name)                                              \
  printf(#type "." #name " %zu %zu\n", offsetof(struct mtedbg_##type, name), \
         sizeof(((struct mtedbg_##type*)0)->name));
#define RECORD(type, fields)                                           \
  printf(#type " %zu %zu\n", sizeof(struct mtedbg_##type), (size_t)0); \
  fields(FIELD, type)
#define ROOT(name)                                                       \
  printf("root." #name " %zu %zu\n", offsetof(struct mtedbg_root, name), \
         sizeof(((struct mtedbg_root*)0)->name));
#define VALUE(type, name, value) printf("=" #type "." #name " %d 0\n", value);
#define ENUM(list) list(VALUE)

int main(void) {
  MTEDBG_ENUMS(ENUM)
  MTEDBG_RECORDS(RECORD)
  printf("root %zu %zu\n", sizeof(struct mtedbg_root), (size_t)0);
  ROOT(self)
  ROOT(named)
  ROOT(named_count)
  return 0;
}
