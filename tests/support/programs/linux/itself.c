/* SPDX-License-Identifier: MIT */
/* What a process learns of itself in /proc and by calls; with an argument, how deep its stack goes.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static __attribute__((noinline)) int deeper(int pages) {
  volatile char page[4096];
  page[0] = 1;
  return pages == 0 ? 0 : deeper(pages - 1) + page[0];
}

/* The process's state as proc(5) counts its fields, from 3. */
static void state(char** argv) {
  char text[4096] = "";
  unsigned long fields[53] = {0};
  const int file = open("/proc/self/stat", O_RDONLY);
  if (read(file, text, sizeof text - 1) < 0) perror("stat");
  close(file);
  char* next = strrchr(text, ')');
  *next = 0;
  printf("name %s, state %d\n", strchr(text, '(') + 1, next[2] == 'R' || next[2] == 'S');
  next += 3;
  for (int i = 4; i < 53; ++i) fields[i] = strtoul(next, &next, 10);
  const uintptr_t here = (uintptr_t)text, code = (uintptr_t)state;
  printf("parent %d group %d session %d\n", fields[4] == (unsigned long)getppid(),
         fields[5] == (unsigned long)getpgrp(), fields[6] == (unsigned long)getsid(0));
  printf("threads %lu\n", fields[20]);
  printf("code %d stack %d arguments %d environment %d\n",
         fields[26] <= code && code<fields[27], fields[28]> here && fields[28] < (uintptr_t)argv[0],
         fields[48] == (uintptr_t)argv[0],
         environ[0] == NULL || fields[50] == (uintptr_t)environ[0]);
}

static void* in_thread(void* argv) {
  char path[64], target[4096] = "", own[4096] = "";
  state(argv);
  snprintf(path, sizeof path, "/proc/self/task/%d/exe", gettid());
  printf("%zd ", readlink(path, target, sizeof target - 1));
  printf("%zd ", readlink("/proc/self/exe", own, sizeof own - 1));
  printf("%d\n", strcmp(target, own));
  snprintf(path, sizeof path, "/proc/%d/task/%d/stat", getpid(), gettid());
  printf("stat %d\n", access(path, R_OK));
  void *head = NULL, *mine = NULL;
  size_t size = 0;
  printf("%ld ", syscall(SYS_get_robust_list, 0, &head, &size));
  printf("%zu ", size);
  printf("%ld ", syscall(SYS_get_robust_list, gettid(), &mine, &size));
  printf("%d\n", head != NULL && head == mine);
  return NULL;
}

static void flags(const char* what, int file) {
  printf("%s %x\n", what, fcntl(file, F_GETFL) & ~0x8000); /* O_LARGEFILE */
}

int main(int argc, char** argv) {
  if (argc > 1) return deeper(atoi(argv[1])) != atoi(argv[1]);
  pthread_t thread;
  state(argv);
  pthread_create(&thread, NULL, in_thread, argv);
  pthread_join(thread, NULL);

  struct stat about;
  char link[4096] = "", own[4096] = "", line[256] = "";
  printf("%d ", lstat("/proc/self/exe", &about));
  printf("link %d ", S_ISLNK(about.st_mode));
  printf("%d ", stat("/proc/self/exe", &about));
  printf("file %d\n", S_ISREG(about.st_mode));
  const int folder = open("/proc/self", O_PATH | O_DIRECTORY);
  if (readlink("/proc/self/exe", own, sizeof own - 1) < 0) perror("exe");
  if (readlinkat(folder, "exe", link, sizeof link - 1) < 0) perror("exe");
  printf("the same %d\n", strcmp(own, link));
  const int words = openat(folder, "cmdline", O_RDONLY);
  printf("%d ", read(words, line, sizeof line) == (ssize_t)strlen(argv[0]) + 1);
  printf("%d\n", strcmp(line, argv[0]));
  fstat(openat(folder, "maps", O_RDONLY), &about);
  printf("maps %o\n", about.st_mode);

  int ends[2];
  if (pipe(ends) != 0) return 1;
  flags("pipe", ends[0]);
  flags("folder", open("/tmp", O_RDONLY | O_DIRECTORY));
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) return 1;
  flags("socket", ends[0]);
  flags("path", open("/tmp", O_PATH));

  struct {
    struct open_how how;
    uint64_t more;
  } how = {.how = {.flags = O_RDONLY | O_DIRECTORY}};
  printf("%d ", (int)syscall(SYS_openat2, AT_FDCWD, "/tmp", &how, sizeof how) >= 0);
  how.more = 1;
  printf("%ld ", syscall(SYS_openat2, AT_FDCWD, "/tmp", &how, sizeof how));
  printf("%s\n", strerrorname_np(errno));
  int* at = NULL;
  printf("%d\n", prctl(PR_GET_TID_ADDRESS, &at) != 0 || at != NULL);
  return 0;
}
