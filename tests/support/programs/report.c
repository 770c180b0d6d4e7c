/* Says exactly what it was started with, then ends as its first argument wants:
 *
 *   report exit N | signal N | wait | flood BYTES   [ANYTHING…]
 *
 * On standard output: the current folder, the arguments and the environment, a zero byte after each
 * and an empty word between the lists. On standard error: one line. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void words(char** list) {
  for (; *list; ++list) fwrite(*list, 1, strlen(*list) + 1, stdout);
  fputc(0, stdout);
}

int main(int argc, char** argv, char** env) {
  char folder[PATH_MAX];
  if (argc < 2 || !getcwd(folder, sizeof folder)) return 99;
  const char* how = argv[1];
  long number = argc > 2 ? atol(argv[2]) : 0;
  if (!strcmp(how, "flood")) {
    for (long i = 0; i < number; ++i) putchar('a' + (int)(i % 26));
    return 0;
  }
  fwrite(folder, 1, strlen(folder) + 1, stdout);
  words(argv);
  words(env);
  fflush(stdout);
  fprintf(stderr, "on standard error\n");
  if (!strcmp(how, "wait")) pause();
  if (!strcmp(how, "signal")) raise((int)number);
  return (int)number;
}
