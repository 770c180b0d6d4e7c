/* An x86-64 program that uses its list after it has freed a part of it, or dies in other ways. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lonely.h"

enum { COUNT = 60 };

struct item {
  long value;
  struct item* next;
};

static __attribute__((noinline)) long total(const struct item* first) {
  long sum = 0;
  for (const struct item* one = first; one != NULL; one = one->next) {
    sum += one->value; /* read after free */
  }
  return sum;
}

static __attribute__((noinline)) void raise_all(struct item* first, long by) {
  for (struct item* one = first; one != NULL; one = one->next) {
    one->value += by; /* written after free */
  }
}

static struct item* made(struct item** items) {
  struct item* head = NULL;
  for (int number = 0; number < COUNT; number++) {
    struct item* one = malloc(sizeof *one);
    one->value = number;
    one->next = head;
    items[number] = head = one;
  }
  return head;
}

static __attribute__((noinline)) void fail(const char* how) {
  if (strcmp(how, "abort") == 0) {
    abort();
  }
  *(volatile int*)8 = 1; /* near null */
}

int main(int count, char** words) {
  struct item* items[COUNT];
  struct item* list = made(items);
  const char* how = count > 1 ? words[1] : "";
  printf("%ld\n", total(list));
  fflush(stdout);
  while (strcmp(how, "run") == 0) {
    total(list);
  }
  if (strcmp(how, "read") == 0) {
    free(items[lonely((void* const*)items, COUNT)]);
    return total(list) != 0;
  }
  if (strcmp(how, "write") == 0) {
    free(items[lonely((void* const*)items, COUNT)]);
    raise_all(list, 1);
  }
  if (*how != '\0') {
    fail(how);
  }
  return 0;
}
