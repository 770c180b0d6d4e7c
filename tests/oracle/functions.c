/* SPDX-License-Identifier: MIT */
/* Ordinary C, compiled at several levels of optimisation and called by the oracle's cases with
 * generated arguments. `memory` is 256 bytes of the arena. */
#include <stdint.h>

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define F(name) JOIN(name, LEVEL)
#define WEAK __attribute__((weak))

/* What gcc may call even without a library. */
WEAK void* memcpy(void* to, const void* from, unsigned long size) {
  char* out = to;
  for (const char* in = from; size-- > 0;) *out++ = *in++;
  return to;
}

WEAK void* memset(void* to, int value, unsigned long size) {
  for (char* out = to; size-- > 0;) *out++ = (char)value;
  return to;
}

uint64_t F(sort)(int32_t* memory, uint64_t count) {
  int n = (int)(count % 64);
  for (int i = 1; i < n; ++i) {
    int32_t value = memory[i];
    int j = i;
    for (; j > 0 && memory[j - 1] > value; --j) memory[j] = memory[j - 1];
    memory[j] = value;
  }
  return n > 0 ? (uint64_t)memory[n / 2] : 0;
}

uint64_t F(hash)(const uint8_t* memory, uint64_t size, uint64_t seed) {
  uint64_t h = seed ^ 0x9e3779b97f4a7c15u;
  for (uint64_t i = 0; i < size % 256; ++i) {
    h = (h ^ memory[i]) * 0x100000001b3u;
    h = h << 27 | h >> 37;
  }
  h ^= h >> 33;
  return h * 0xff51afd7ed558ccdu ^ h >> 29;
}

uint32_t F(crc)(const uint8_t* memory, uint64_t size) {
  uint32_t sum = ~0u;
  for (uint64_t i = 0; i < size % 256; ++i) {
    sum ^= memory[i];
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (0xEDB88320u & -(sum & 1));
  }
  return ~sum;
}

uint64_t F(search)(const char* memory, uint64_t length) {
  uint64_t found = 0, size = 1 + length % 4;
  for (uint64_t i = 0; i + size <= 256; ++i) {
    uint64_t k = 0;
    while (k < size && memory[i + k] == memory[k]) ++k;
    found = k == size ? found * 31 + i : found;
  }
  return found;
}

/* Divisions of every width, with what the processor would refuse kept out. */
uint64_t F(divide)(int64_t a, int64_t b, uint64_t c, uint64_t d) {
  uint64_t sum = c / (d | 1) ^ c % (d | 1);
  if (b != 0 && b != -1) sum += (uint64_t)(a / b) * 3 + (uint64_t)(a % b);
  int32_t x = (int32_t)a, y = (int32_t)b;
  if (y != 0 && y != -1) sum ^= (uint64_t)(x / y) << 7 ^ (uint32_t)(x % y);
  int16_t v = (int16_t)a, w = (int16_t)b;
  if (w != 0) sum += (uint64_t)(v / w + v % w);
  int8_t p = (int8_t)c, q = (int8_t)d;
  if (q != 0) sum ^= (uint64_t)(p / q) + (uint8_t)(p % q) * 5u;
  return sum + (uint64_t)(a / 7) + c / 10 + (uint64_t)(x % 1000) + (uint64_t)(a >> 3) / 641;
}

uint64_t F(wide)(uint64_t a, uint64_t b, int64_t c, int64_t d) {
  unsigned __int128 product = (unsigned __int128)a * b;
  __int128 other = (__int128)c * d;
  unsigned __int128 sum = product + (unsigned __int128)other - a;
  sum = sum << (b & 63) ^ sum >> (a & 63);
  return (uint64_t)(sum >> 64) ^ (uint64_t)sum ^ (product < (unsigned __int128)other);
}

uint64_t F(overflow)(int64_t a, int64_t b, uint64_t c, uint32_t d) {
  int64_t sum = 0, product = 0;
  int32_t small = 0;
  uint8_t tiny = 0;
  uint64_t flags = __builtin_add_overflow(a, b, &sum);
  flags = flags * 2 + __builtin_mul_overflow(a, b, &product);
  flags = flags * 2 + __builtin_sub_overflow((int32_t)a, (int32_t)d, &small);
  flags = flags * 2 + __builtin_add_overflow((uint8_t)c, (uint8_t)d, &tiny);
  flags = flags * 2 + (c + d < c);
  return flags ^ (uint64_t)(sum ^ product) ^ (uint32_t)small ^ tiny;
}

uint64_t F(bits)(uint64_t a, uint32_t b, uint16_t c, uint8_t d) {
  uint64_t sum = a != 0 ? (uint64_t)(__builtin_ctzll(a) * 64 + __builtin_clzll(a)) : 7;
  sum += b != 0 ? (uint64_t)(__builtin_ctz(b) * 32 + __builtin_clz(b)) : 3;
  sum ^= __builtin_bswap64(a) + __builtin_bswap32(b) + __builtin_bswap16(c);
  sum += (uint64_t)__builtin_parity(d) << 40;
  a |= (uint64_t)1 << (b & 63);
  a &= ~((uint64_t)1 << (c & 63));
  a ^= (uint64_t)1 << (d & 63);
  c = (uint16_t)(c << (d & 15) | c >> (-d & 15));
  d = (uint8_t)(d << 3 | d >> 5);
  return sum ^ a ^ (uint64_t)c << 17 ^ d ^ (uint64_t)((a >> (b & 63)) & 1);
}

struct packed {
  unsigned low : 5, middle : 11;
  int high : 16;
  int16_t half;
  int8_t tiny;
} __attribute__((packed));

int64_t F(fields)(struct packed* memory, int64_t a, uint64_t count) {
  int64_t sum = 0;
  for (uint64_t i = 0; i < count % 32; ++i) {
    struct packed* one = &memory[i];
    sum += one->low + one->high * 3 - one->half;
    one->middle = (unsigned)(a + one->low);
    one->half = (int16_t)(one->half * one->tiny);
    one->tiny = (int8_t)(one->tiny - 1 - (int8_t)sum);
    sum ^= one->middle;
  }
  return sum;
}

/* A dense switch is a jump table, and so are addresses of labels. */
int64_t F(interpret)(const uint8_t* memory, int64_t a, int64_t b) {
  int64_t stack[8] = {a, b, 3, 5, 7, 11, 13, 17};
  unsigned top = 1;
  for (unsigned i = 0; i < 200; ++i) {
    int64_t x = stack[top & 7], y = stack[(top - 1) & 7];
    switch (memory[i] & 15) {
      case 0:
        stack[++top & 7] = memory[i] >> 4;
        break;
      case 1:
        stack[--top & 7] = x + y;
        break;
      case 2:
        stack[--top & 7] = y - x;
        break;
      case 3:
        stack[top & 7] = x * y;
        break;
      case 4:
        stack[top & 7] = x ^ (y >> (x & 63));
        break;
      case 5:
        stack[top & 7] = x < y;
        break;
      case 6:
        stack[top & 7] = (uint64_t)x < (uint64_t)y ? x : y;
        break;
      case 7:
        stack[top & 7] = ~x;
        break;
      case 8:
        stack[(top - 1) & 7] = x;
        stack[top & 7] = y;
        break;
      case 9:
        i += x > 0 ? 2 : 0;
        break;
      case 10:
        ++top;
        break;
      case 11:
        stack[top & 7] = (int8_t)x + (int16_t)y;
        break;
      case 12:
        stack[top & 7] = -x;
        break;
      default:
        break;
    }
  }
  return stack[top & 7];
}

uint64_t F(threaded)(const uint8_t* memory, uint64_t a) {
  static const void* const table[4] = {&&add, &&rotate, &&mix, &&skip};
  uint64_t i = 0;
#define NEXT              \
  if (i >= 100) return a; \
  goto* table[memory[i++] & 3]
  NEXT;
add:
  a += memory[i];
  NEXT;
rotate:
  a = a << 9 | a >> 55;
  NEXT;
mix:
  a ^= a >> 17;
  NEXT;
skip:
  i += a & 3;
  NEXT;
#undef NEXT
}

static uint64_t F(twice)(uint64_t a) { return 2 * a; }
static uint64_t F(square)(uint64_t a) { return a * a; }
static uint64_t F(less)(uint64_t a) { return a - 1; }

uint64_t F(pointers)(uint64_t a, uint64_t path) {
  static uint64_t (*volatile const functions[4])(uint64_t) = {F(twice), F(square), F(less),
                                                              F(twice)};
  for (; path != 0; path >>= 7) a = functions[path & 3](a) ^ path;
  return a;
}

uint64_t F(recurse)(uint64_t a, uint64_t b) {
  a &= 3, b &= 7;
  if (a == 0) return b + 1;
  if (b == 0) return F(recurse)(a - 1, 1);
  return F(recurse)(a - 1, F(recurse)(a, b - 1) & 7);
}

#define ATOMICS(type, name)                                                                  \
  static uint64_t F(name)(type * at, type a, type b) {                                       \
    uint64_t sum = __atomic_fetch_add(at, a, __ATOMIC_SEQ_CST);                              \
    sum ^= __atomic_fetch_or(at, b, __ATOMIC_SEQ_CST);                                       \
    sum += __atomic_sub_fetch(at, b, __ATOMIC_SEQ_CST);                                      \
    sum ^= __atomic_xor_fetch(at, (type)(a + b), __ATOMIC_SEQ_CST);                          \
    sum += __atomic_fetch_nand(at, a, __ATOMIC_SEQ_CST);                                     \
    sum ^= __atomic_exchange_n(at, (type)sum, __ATOMIC_SEQ_CST);                             \
    type seen = (type)(a & 1 ? *at : b);                                                     \
    sum += __atomic_compare_exchange_n(at, &seen, b, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    __atomic_store_n(at + 1, (type)sum, __ATOMIC_SEQ_CST);                                   \
    return sum + seen + __atomic_load_n(at, __ATOMIC_SEQ_CST);                               \
  }
ATOMICS(uint8_t, atomics8)
ATOMICS(uint16_t, atomics16)
ATOMICS(uint32_t, atomics32)
ATOMICS(uint64_t, atomics64)

uint64_t F(atomics)(uint8_t* memory, uint64_t a, uint64_t b) {
  return F(atomics8)(memory + 1, (uint8_t)a, (uint8_t)b) +
         F(atomics16)((uint16_t*)(memory + 10), (uint16_t)a, (uint16_t)b) * 3 +
         F(atomics32)((uint32_t*)(memory + 20), (uint32_t)a, (uint32_t)b) * 5 +
         F(atomics64)((uint64_t*)(memory + 40), a, b) * 7;
}

struct block {
  uint64_t words[9];
  uint8_t tail[5];
};

uint64_t F(copies)(uint8_t* memory, uint64_t a, uint64_t b) {
  struct block one, other = {{a, b, a ^ b}, {1, 2}};
  __builtin_memcpy(&one, memory + (a & 63), sizeof one);
  if (b & 1) other = one;
  other.words[b & 7] += a;
  __builtin_memset(memory + (b & 31), (int)a, 40);
  __builtin_memcpy(memory + 100 + (b & 15), &other, sizeof other);
  return other.words[a & 7] + other.tail[2];
}
