/* For expressions: variables of many types, and a stop with known registers.
 *
 * In `checkpoint`, x0 is a pointer to nodes[0] with the tag 3, x1 is 5, and x2 and x3 hold a
 * structure; then SIGILL. */
#include <stdint.h>

struct node {
  struct node* next;
  long value;
  union {
    int low;
    unsigned char parts[4];
  };
  short table[4];
};

struct pair {
  long first, second;
};

struct node nodes[3];
struct node* head;
unsigned char bytes[16];
short shorts[4] = {1, -1, -2, 3};
int minus = -3;
const char* volatile text = "text";
double ratio = 1.5;

__attribute__((noinline)) static void checkpoint(struct node* p, long n, struct pair q) {
  __asm__ volatile("udf #0" : : "r"(p), "r"(n), "r"(q.first), "r"(q.second) : "memory");
}

int main(void) {
  for (int i = 0; i < 3; ++i) {
    nodes[i].next = &nodes[(i + 1) % 3];
    nodes[i].value = 100 + i;
    nodes[i].low = -i - 7;
    nodes[i].table[1] = (short)(i + 40);
  }
  for (int i = 0; i < 16; ++i) bytes[i] = (unsigned char)(i + 200);
  head = (struct node*)((uintptr_t)nodes | UINT64_C(3) << 56);
  checkpoint(head, 5, (struct pair){11, 12});
  return text[0] + minus + (int)ratio + shorts[0];
}
