/* SPDX-License-Identifier: MIT */
/* A program whose standard error is a file of its own when it makes a call that is not there; with
   two arguments, it executes the second one then. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const int file = open(argv[1], O_RDWR | O_CREAT | O_APPEND, 0600);
  dup2(file, 2);
  close(file);
  if (argc > 2) execl(argv[2], argv[2], argv[1], (char*)0);
  syscall(500);
  return write(2, "own\n", 4) == 4 ? 0 : 1;
}
