// SPDX-License-Identifier: MIT
// Transfers that the kernel makes from and to the program's own pages: their addresses count.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kPage = 4096 };

static void said(const char* what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerrorname_np(errno) : "-");
}

int main(int count, char** words) {
  if (count != 2) return 1;
  char* pages = aligned_alloc(kPage, 8 * kPage);
  for (int i = 0; i < 8 * kPage; ++i) pages[i] = (char)(i * 7);
  const int file = open(words[1], O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600);
  if (file < 0) return 2;
  said("pwrite", pwrite(file, pages, 2 * kPage, 0));
  said("not aligned", pwrite(file, pages + 1, kPage, 0));
  said("not whole", pwrite(file, pages, 100, 0));
  struct iovec parts[] = {{pages + 2 * kPage, kPage}, {pages, kPage}};
  said("pwritev", pwritev(file, parts, 2, 2 * kPage));
  said("pread", pread(file, pages + 4 * kPage, 4 * kPage, 0));
  said("same", memcmp(pages, pages + 4 * kPage, 3 * kPage));
  said("lseek", lseek(file, kPage, SEEK_SET));
  said("read", read(file, pages + 6 * kPage, kPage));
  said("same", memcmp(pages + kPage, pages + 6 * kPage, kPage));
  said("preadv", preadv(file, parts, 2, 0));
  said("same", memcmp(pages, pages + kPage, kPage));
  said("write", syscall(SYS_write, 1, 0L, 5));
  return 0;
}
