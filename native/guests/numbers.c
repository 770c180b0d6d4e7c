/* SPDX-License-Identifier: MIT */
/* Floating-point numbers and vectors, as plain gcc uses them: sums of bits of what was computed. In
 * the last part one thread hands vectors to others: who sees a vector's number sees all of it. */
#include "mtetso_guest.h"

typedef float floats __attribute__((vector_size(16)));
typedef uint64_t pair __attribute__((vector_size(16)));

static uint64_t sum_bits(uint64_t sum, double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return (sum << 7 | sum >> 57) ^ bits;
}

static double root(double value) {
  double made;
  __asm__("sqrtsd %1, %0" : "=x"(made) : "x"(value));
  return made;
}

static uint64_t mandelbrot(void) {
  uint64_t steps = 0;
  for (int row = 0; row < 24; ++row)
    for (int column = 0; column < 24; ++column) {
      const double a = column / 8.0 - 2.2, b = row / 10.0 - 1.2;
      double x = 0, y = 0;
      for (int i = 0; i < 40 && x * x + y * y < 4; ++i, ++steps) {
        const double next = x * x - y * y + a;
        y = 2 * x * y + b;
        x = next;
      }
    }
  return steps;
}

#define ORDER 8

/* Gauss, with rows of doubles that are exchanged. */
static uint64_t equations(void) {
  double rows[ORDER][ORDER + 1];
  uint64_t sum = 0;
  for (int i = 0; i < ORDER; ++i)
    for (int j = 0; j <= ORDER; ++j) rows[i][j] = (i * 7 + j * j * 3) % 11 - 4.5 + (i == j) * 20;
  for (int i = 0; i < ORDER; ++i) {
    for (int k = i + 1; k < ORDER; ++k) {
      const double factor = rows[k][i] / rows[i][i];
      for (int j = i; j <= ORDER; ++j) rows[k][j] -= factor * rows[i][j];
    }
  }
  for (int i = ORDER - 1; i >= 0; --i) {
    double value = rows[i][ORDER];
    for (int j = i + 1; j < ORDER; ++j) value -= rows[i][j] * rows[j][ORDER];
    rows[i][ORDER] = value / rows[i][i];
    sum = sum_bits(sum, root(rows[i][ORDER] * rows[i][ORDER] + i));
  }
  return sum;
}

/* Infinities, NaNs, denormals, integers that do not fit. */
static uint64_t ends(void) {
  static volatile double given[] = {0, -0.0, 1, -1.5, 3e9, -3e9, 1e19, 4e-320, 2.3e-308, 1.7e308};
  uint64_t sum = 0;
  const int count = sizeof given / sizeof given[0];
  for (int i = 0; i < count; ++i)
    for (int j = 0; j < count; ++j) {
      const double a = given[i], b = given[j];
      sum = sum_bits(sum, a / b);
      sum = sum_bits(sum, a * b);
      sum = sum_bits(sum, (float)a - (float)b);
      sum += (uint64_t)(a < b) + (uint64_t)(a * b == b) * 3 + (uint64_t)(a / b != a / b) * 5;
      if (a < 1e18 && a > -1e18) sum ^= (uint64_t)(int64_t)(a + b / 1e300);
    }
  return sum;
}

static uint64_t vectors(void) {
  floats sum = {0, 0, 0, 0}, step = {1, 0.5F, 0.25F, 3};
  int16_t words[64];
  uint64_t total = 0;
  for (int i = 0; i < 100; ++i) {
    sum += step * (float)i;
    step = step * 0.99F + sum / 1000;
  }
  for (int i = 0; i < 64; ++i) words[i] = (int16_t)(i * 1103 + 7);
  for (int i = 0; i < 64; ++i) total += (uint64_t)(words[i] > 300 ? words[i] * 3 : words[i] >> 2);
  for (int i = 0; i < 4; ++i) total = sum_bits(total, sum[i]);
  return total;
}

#define SLOTS 8
#define ROUNDS 3000

static pair slots[SLOTS] __attribute__((aligned(64)));
static volatile uint64_t newest __attribute__((aligned(64)));
static char stretched[16 * SLOTS + 16] __attribute__((aligned(64)));

static void put(void* at, pair value) {
  __asm__ volatile("movups %1, (%0)" ::"r"(at), "x"(value) : "memory");
}
static pair get(const void* at) {
  pair value;
  __asm__ volatile("movups (%1), %0" : "=x"(value) : "r"(at) : "memory");
  return value;
}

/* Slot n holds n and 3n since `newest` is n, or something newer. The second half of a vector is
 * stored after the first one and read after it, so of a vector that changes it may be older. */
static uint64_t reader(void* argument) {
  const int crossing = argument != NULL;
  for (uint64_t seen = 0; seen < ROUNDS;) {
    const uint64_t now = newest;
    if (now == seen) {
      mtetso_yield();
      continue;
    }
    if (now < seen) return 1;
    seen = now;
    const void* at =
        crossing ? (const void*)(stretched + 8 + 16 * (now % SLOTS)) : &slots[now % SLOTS];
    const pair found = get(at);
    if (found[0] < now || found[1] < 3 * now) return 2;
  }
  return 0;
}

static uint64_t hand_over(void) {
  const long readers[] = {mtetso_spawn(reader, NULL), mtetso_spawn(reader, stretched)};
  for (uint64_t i = 1; i <= ROUNDS; ++i) {
    const pair value = {i, 3 * i};
    put(&slots[i % SLOTS], value);
    put(stretched + 8 + 16 * (i % SLOTS), value);
    newest = i;
    if (i % 64 == 0) mtetso_yield();
  }
  return mtetso_join(readers[0]) + mtetso_join(readers[1]);
}

int main(void) {
  print_number("mandelbrot ", mandelbrot(), "\n");
  print_number("equations ", equations(), "\n");
  print_number("ends ", ends(), "\n");
  print_number("vectors ", vectors(), "\n");
  const uint64_t wrong = hand_over();
  print_number("handed over wrongly ", wrong, "\n");
  return wrong != 0;
}
