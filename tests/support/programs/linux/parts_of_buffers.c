/* SPDX-License-Identifier: MIT */
/* Calls that fill buffers of which only the beginning is mapped. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kPage = 4096 };

static void said(const char* what, long result) {
  printf("%s %ld%s%s\n", what, result, result < 0 ? " " : "",
         result < 0 ? strerrorname_np(errno) : "");
}

int main(void) {
  char* end =
      (char*)mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) +
      kPage;
  munmap(end, kPage);
  const int zeros = open("/dev/zero", O_RDONLY);
  int ends[2];
  if (pipe(ends) != 0 || write(ends[1], "hello", 5) != 5) return 1;
  said("read of a pipe", read(ends[0], end - 6, 100));
  printf("%.5s\n", end - 6);
  said("read", read(zeros, end - 96, kPage));
  said("read of nothing", read(zeros, end - 96, 0));
  said("read behind it", read(zeros, end, 10));
  said("a long read", read(zeros, end - kPage, INT_MAX));
  struct iovec parts[] = {{end - 96, 50}, {end - 6, 100}, {end - 96, 50}};
  said("readv", readv(zeros, parts, 3));
  said("getrandom", getrandom(end - 96, kPage, 0));
  said("getcwd", getcwd(end - 4000, 100000) != NULL);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || write(ends[1], "hello", 5) != 5) return 1;
  said("recv", recv(ends[0], end - 5, 1000, 0));
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
  said("recvmsg", recvmsg(ends[0], &message, MSG_DONTWAIT));
  if (write(ends[1], "again", 5) != 5) return 1;
  said("recvmsg", recvmsg(ends[0], &message, MSG_DONTWAIT));
  printf("%.5s\n", end - 96);
  return 0;
}
