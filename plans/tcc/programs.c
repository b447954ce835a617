// SPDX-License-Identifier: MIT
// A little of what a C compiler has to get right, printed: integers of all sizes and their
// conversions, floating point, structures by value, function pointers, recursion, variable
// arguments, strings.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct small {
  int8_t a;
  int16_t b;
};
struct large {
  double values[5];
  char name[16];
};

static struct small swapped(struct small s) { return (struct small){(int8_t)s.b, s.a}; }

static struct large scaled(struct large l, double factor) {
  for (int i = 0; i < 5; i++) l.values[i] *= factor;
  strcat(l.name, "!");
  return l;
}

static int sum_of(int count, ...) {
  va_list list;
  va_start(list, count);
  int sum = 0;
  while (count-- > 0) sum += va_arg(list, int);
  va_end(list);
  return sum;
}

static int ackermann(int m, int n) {
  if (m == 0) return n + 1;
  return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static int by_length(const void* a, const void* b) {
  const char *const *left = a, *const *right = b;
  return (int)strlen(*left) - (int)strlen(*right);
}

int main(void) {
  volatile int64_t big = INT64_MIN;
  volatile uint32_t word = 0xdeadbeef;
  printf("%lld %lld %u %d\n", (long long)(big / 3), (long long)(big >> 7), word >> 5, (int8_t)word);
  printf("%.17g %.9g %d %u\n", 1.0 / 3, (double)(float)0.1, (int)2.9, (unsigned)3e9);
  struct small s = swapped((struct small){-3, 300});
  struct large l = scaled((struct large){{1, 2, 3, 4, 5}, "five"}, 1.5);
  printf("%d %d %g %s\n", s.a, s.b, l.values[4], l.name);
  printf("%d %d\n", sum_of(9, 1, 2, 3, 4, 5, 6, 7, 8, 9), ackermann(2, 9));
  const char* words[] = {"kernel", "an", "auditable", "for", "u"};
  qsort(words, 5, sizeof *words, by_length);
  for (int i = 0; i < 5; i++) printf("%s%c", words[i], i < 4 ? ' ' : '\n');
  uint32_t hash = 2166136261u;
  for (int i = 0; i < 1000000; i++) hash = (hash ^ (uint32_t)i) * 16777619u;
  printf("%08x\n", hash);
  return 0;
}
