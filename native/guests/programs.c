/* SPDX-License-Identifier: MIT */
/* Ordinary programs in ordinary C: sort, hash, string search, an allocator, run-length coding, an
 * interpreter loop with a jump table, division, structures. Each prints a number. */
#include "mtetso_guest.h"

enum { COUNT = 200, TEXT = 600 };

static uint64_t seed = 12345;

static uint32_t random32(void) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(seed >> 33);
}

static uint32_t crc(const void* data, size_t size) {
  const uint8_t* byte = data;
  uint32_t sum = ~0u;
  for (size_t i = 0; i < size; ++i) {
    sum ^= byte[i];
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ (0xEDB88320u & -(sum & 1));
  }
  return ~sum;
}

static void sort(int32_t* values, int low, int high) {
  if (low >= high) return;
  int32_t pivot = values[(low + high) / 2];
  int i = low, j = high;
  while (i <= j) {
    while (values[i] < pivot) ++i;
    while (values[j] > pivot) --j;
    if (i <= j) {
      int32_t value = values[i];
      values[i++] = values[j];
      values[j--] = value;
    }
  }
  sort(values, low, j);
  sort(values, i, high);
}

static void sorting(void) {
  int32_t* values = mtetso_allocate(COUNT * sizeof *values);
  for (int i = 0; i < COUNT; ++i) values[i] = (int32_t)random32();
  sort(values, 0, COUNT - 1);
  int ordered = 1;
  for (int i = 1; i < COUNT; ++i) ordered &= values[i - 1] <= values[i];
  print_number("sort ", ordered ? crc(values, COUNT * sizeof *values) : 0, "\n");
}

static void searching(void) {
  static char text[TEXT];
  for (int i = 0; i < TEXT; ++i) text[i] = (char)('a' + random32() % 3);
  static const char* const needles[] = {"abc", "aabb", "cccc", "abcabc", "x"};
  uint64_t found = 0;
  for (int n = 0; n < 5; ++n) {
    size_t length = text_length(needles[n]);
    for (size_t i = 0; i + length <= TEXT; ++i) {
      size_t k = 0;
      while (k < length && text[i + k] == needles[n][k]) ++k;
      if (k == length) found = found * 31 + i;
    }
  }
  print_number("search ", found, "\n");
}

static void coding(void) {
  static uint8_t plain[TEXT], packed[2 * TEXT], again[TEXT];
  size_t used = 0, made = 0;
  for (int i = 0; i < TEXT; ++i) plain[i] = (uint8_t)(random32() % 4 == 0);
  for (size_t i = 0; i < TEXT;) {
    uint8_t run = 1;
    while (i + run < TEXT && plain[i + run] == plain[i] && run < 255) ++run;
    packed[used++] = run;
    packed[used++] = plain[i];
    i += run;
  }
  for (size_t i = 0; i < used; i += 2)
    for (int k = 0; k < packed[i]; ++k) again[made++] = packed[i + 1];
  print_number("packed ", used, "");
  print_number(" crc ", crc(packed, used),
               crc(again, made) == crc(plain, TEXT) ? " ok\n" : " BAD\n");
}

struct node {
  struct node *left, *right;
  int64_t key;
  int16_t weight;
  uint8_t mark;
};

static void trees(void) {
  struct node* root = NULL;
  uint64_t depth = 0, sum = 0;
  for (int i = 0; i < COUNT; ++i) {
    struct node* node = mtetso_allocate(sizeof *node);
    node->key = (int64_t)(random32() % 1000) - 500;
    node->weight = (int16_t)(node->key * 77);
    node->mark = (uint8_t)node->weight;
    struct node** at = &root;
    uint64_t level = 0;
    for (; *at != NULL; ++level) at = node->key < (*at)->key ? &(*at)->left : &(*at)->right;
    *at = node;
    depth = level > depth ? level : depth;
  }
  struct node* stack[COUNT];
  int top = 0;
  for (struct node* node = root; node != NULL || top > 0;) {
    if (node != NULL) {
      stack[top++] = node;
      node = node->left;
    } else {
      node = stack[--top];
      sum = sum * 3 + (uint64_t)(node->key + node->weight) + node->mark;
      node = node->right;
    }
  }
  print_number("tree ", depth, "");
  print_number(" ", sum, "\n");
}

/* A stack machine: gcc makes a jump table of the switch. */
static void interpreting(void) {
  enum { PUSH, ADD, MUL, DUP, SWAP, DROP, JNZ, DEC, ROT, XOR, END };
  static const int8_t code[] = {PUSH, 1,   PUSH, 20,   SWAP, PUSH, 3,   MUL, PUSH, 7,  ADD,
                                DUP,  ROT, XOR,  SWAP, DEC,  DUP,  JNZ, -14, DROP, END};
  uint64_t stack[16] = {0};
  int top = 0, steps = 0;
  for (const int8_t* at = code; steps < 1000; ++steps) {
    uint64_t a = stack[top], b = stack[(top + 15) & 15];
    switch (*at++) {
      case PUSH:
        top = (top + 1) & 15;
        stack[top] = (uint64_t)*at++;
        break;
      case ADD:
        top = (top + 15) & 15;
        stack[top] = a + b;
        break;
      case MUL:
        top = (top + 15) & 15;
        stack[top] = a * b;
        break;
      case DUP:
        top = (top + 1) & 15;
        stack[top] = a;
        break;
      case SWAP:
        stack[top] = b;
        stack[(top + 15) & 15] = a;
        break;
      case DROP:
        top = (top + 15) & 15;
        break;
      case JNZ:
        top = (top + 15) & 15;
        at += a != 0 ? *at : 1;
        break;
      case DEC:
        --stack[top];
        break;
      case ROT:
        stack[top] = a << 13 | a >> 51;
        break;
      case XOR:
        top = (top + 15) & 15;
        stack[top] = a ^ b;
        break;
      default:
        steps += 1000;
        break;
    }
  }
  uint64_t sum = 0;
  for (int i = 0; i < 16; ++i) sum = sum * 5 + stack[i];
  print_number("machine ", sum, "");
  print_number(" ", (uint64_t)steps, "\n");
}

static void dividing(void) {
  uint64_t sum = 0;
  for (int i = 0; i < COUNT; ++i) {
    uint64_t a = (uint64_t)random32() << 31 | random32(), b = random32() % 1000 + 1;
    sum = sum * 7 + a / b + a % b;
    int64_t c = (int64_t)(a << 2), d = (int64_t)b - 501;
    if (d != 0) sum += (uint64_t)(c / d + c % d);
    int32_t e = (int32_t)a, f = (int32_t)d;
    if (f != 0 && f != -1) sum += (uint64_t)(e / f - e % f);
    sum ^= (uint32_t)a / (uint32_t)b;
    sum += a / 10 + (uint64_t)(c / 7) + (uint32_t)e % 1000;
  }
  print_number("division ", sum, "\n");
}

/* Accesses of every width at every offset, over the borders of granules and of what a 16-byte
 * atomic access may hold, in shared memory and in memory of its own. */
static void unaligned(void) {
  struct __attribute__((packed)) words {
    uint16_t half;
    uint32_t word;
    uint64_t twice;
  };
  static uint8_t image[96];
  uint8_t* own = mtetso_allocate(sizeof image);
  for (size_t offset = 0; offset < 64; ++offset) {
    volatile struct words *a = (void*)(image + offset), *b = (void*)(own + offset);
    a->twice = b->twice + offset * 0x0102030405060708;
    a->word += b->half + (uint32_t)a->twice;
    b->half = (uint16_t)(a->half + a->word);
    b->twice ^= a->twice + b->word;
    b->word = a->half - a->word;
  }
  print_number("unaligned ", crc(image, sizeof image), "");
  print_number(" ", crc(own, sizeof image), "\n");
}

static void collatz(void) {
  uint64_t longest = 0, best = 0;
  for (uint64_t start = 1; start < 300; ++start) {
    uint64_t length = 0;
    for (uint64_t n = start; n != 1; ++length) n = (n & 1) != 0 ? 3 * n + 1 : n / 2;
    if (length > longest) longest = length, best = start;
  }
  print_number("collatz ", best, "");
  print_number(" ", longest, "\n");
}

int main(void) {
  sorting();
  searching();
  coding();
  trees();
  interpreting();
  dividing();
  collatz();
  unaligned();
  return 0;
}
