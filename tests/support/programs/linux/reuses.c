// SPDX-License-Identifier: MIT
// Closes every descriptor that it does not know, as daemons do, and opens files by all numbers that
// were in use: the runtime's own must not be written to as if they were its.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { Most = 64 };

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int used[Most], count = 0;
  DIR* all = opendir("/proc/self/fd");
  for (struct dirent* one; all && count < Most && (one = readdir(all));)
    if (atoi(one->d_name) > 2 && atoi(one->d_name) != dirfd(all)) used[count++] = atoi(one->d_name);
  closedir(all);
  int file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666);
  for (int i = 0; i < count; ++i)
    if (used[i] != file) dup2(file, used[i]);
  if (write(file, "mine", 4) != 4) return 1;
  puts("reached its end");
  return 0;
}
