// SPDX-License-Identifier: MIT
//
// Files and directories: what x86-64 has in other places or by other numbers than AArch64.
#define _GNU_SOURCE
#include <fcntl.h>

#include "raw.h"

struct kernel_stat {
  unsigned long dev, ino, nlink;
  unsigned mode, uid, gid, pad;
  unsigned long rdev;
  long size, blksize, blocks;
  unsigned long times[6];
  long unused[3];
};

static struct kernel_stat about;
static char buffer[70000];

static void show_stat(const char* what, word result) {
  say(what);
  show("  result", result);
  if (result != 0) return;
  show("  mode", about.mode);
  show("  nlink", (word)about.nlink);
  show("  size", about.size);
  show("  uid", about.uid);
  if (about.times[2] > 1700000000) return;  // it is now
  show("  mtime", (word)about.times[2]);
  show("  mtime ns", (word)about.times[3]);
}

static void list(const char* what, const char* path, int old) {
  const word fd = CALL(open, path, O_RDONLY | O_DIRECTORY);
  word files = 0, folders = 0, sum = 0;
  for (;;) {
    const word got = old ? CALL(getdents, fd, buffer, 4096) : CALL(getdents64, fd, buffer, 4096);
    if (got <= 0) {
      show(what, got);
      break;
    }
    for (word at = 0; at < got;) {
      const unsigned short size = *(unsigned short*)(buffer + at + 16);
      const char* name = buffer + at + (old ? 18 : 19);
      const char type = buffer[at + (old ? size - 1 : 18)];
      files += type == 8;
      folders += type == 4;
      for (const char* c = name; *c != 0; ++c) sum += *c;
      at += size;
    }
  }
  show("  files", files);
  show("  folders", folders);
  show("  names", sum);
  CALL(close, fd);
}

int run(int argc, char** argv, char** envp) {
  (void)envp;
  if (argc < 2) return 2;
  show("chdir", CALL(chdir, argv[1]));
  show("umask", CALL(umask, 022));
  show("mkdir", CALL(mkdir, "d", 0755));
  show("mkdir again", CALL(mkdir, "d", 0755));
  word fd = CALL(open, "f", O_CREAT | O_RDWR | O_EXCL, 0644);
  show("open", fd >= 0);
  for (unsigned i = 0; i < sizeof buffer; ++i) buffer[i] = (char)(i * 7);
  show("write", CALL(write, fd, buffer, sizeof buffer));
  show("lseek", CALL(lseek, fd, 100, 0));
  show("pread", CALL(pread64, fd, buffer, 10, 69995));
  show("byte", (unsigned char)buffer[4]);
  struct {
    void* base;
    unsigned long length;
  } parts[2] = {{buffer, 3}, {buffer + 100, 5}};
  show("readv", CALL(readv, fd, parts, 2));
  show("writev", CALL(writev, fd, parts, 2));
  show("getfl", CALL(fcntl, fd, 3, 0) & ~0500000);  // QEMU mixes two flags up there
  show("setfl", CALL(fcntl, fd, 4, O_APPEND));
  show("getfl", CALL(fcntl, fd, 3, 0) & ~0500000);  // QEMU mixes two flags up there
  show("dup2", CALL(dup2, fd, 77));
  show("dup2 same", CALL(dup2, 77, 77));
  show("dup2 bad", CALL(dup2, 78, 78));
  struct {
    short type, whence;
    long start, length;
    int pid;
  } lock = {1, 0, 0, 10, 0};
  show("setlk", CALL(fcntl, fd, 6, &lock));
  show("getlk", CALL(fcntl, fd, 5, &lock));
  show("lock type", lock.type);
  const long times[4] = {1000000000, 123456789, 1234567890, 987654321};
  show("utimensat", CALL(utimensat, -100, "f", times, 0));
  show_stat("stat", CALL(stat, "f", &about));
  show("symlink", CALL(symlink, "f", "l"));
  show_stat("lstat mode", CALL(lstat, "l", &about) != 0);
  show_stat("fstat", CALL(fstat, 77, &about));
  show_stat("newfstatat", CALL(newfstatat, -100, "l", &about, 0));
  show("nofollow", CALL(open, "l", O_RDONLY | O_NOFOLLOW));
  show("directory", CALL(open, "f", O_RDONLY | O_DIRECTORY));
  show("readlink", CALL(readlink, "l", buffer, 100));
  show("access", CALL(access, "f", 4));
  show("access missing", CALL(access, "missing", 0));
  show("rename", CALL(rename, "f", "g"));
  show("link", CALL(link, "g", "h"));
  show("chmod", CALL(chmod, "g", 0600));
  show_stat("stat g", CALL(stat, "g", &about));
  show("truncate", CALL(truncate, "g", 12));
  list("getdents64", ".", 0);
  list("getdents", ".", 1);
  const word tmp = CALL(open, ".", 020000000 | O_DIRECTORY | O_RDWR, 0600);
  show("tmpfile", tmp >= 0 || tmp == -95);
  show("bad pointer", CALL(open, 8, O_RDONLY));
  show("stat to a bad pointer", CALL(stat, "g", 8));
  show("read to a bad pointer", CALL(pread64, fd, 8, 4, 0));
  show("unlink", CALL(unlink, "g"));
  show("unlink", CALL(unlink, "h"));
  show("unlink", CALL(unlink, "l"));
  show("rmdir", CALL(rmdir, "d"));
  show("getcwd", CALL(getcwd, buffer, sizeof buffer) > 1);
  show("missing call", CALL(uselib, 0));
  int ends[2];
  show("pipe", CALL(pipe, ends));
  show("write", CALL(write, ends[1], "abc", 3));
  struct {
    int fd;
    short events, revents;
  } polled[2] = {{ends[0], 1, 0}, {ends[1], 4, 0}};
  show("poll", CALL(poll, polled, 2, 1000));
  show("revents", polled[0].revents | polled[1].revents);
  unsigned long reads = 1ul << ends[0], writes = 1ul << ends[1];
  long limit[2] = {1, 0};
  show("select", CALL(select, ends[1] + 1, &reads, &writes, 0, limit));
  show("sets", reads == 1ul << ends[0] && writes == 1ul << ends[1]);
  const word epoll = CALL(epoll_create1, 0);
  struct __attribute__((packed)) {
    unsigned events;
    unsigned long data;
  } event = {1, 0x1122334455667788}, seen[2] = {};
  show("epoll_ctl", CALL(epoll_ctl, epoll, 1, ends[0], &event));
  show("epoll_wait", CALL(epoll_wait, epoll, seen, 2, 1000));
  show("event", seen[0].events == 1 && seen[0].data == event.data);
  show("read", CALL(read, ends[0], buffer, 10));
  show("epoll_wait", CALL(epoll_wait, epoll, seen, 2, 0));
  show("sendfile", CALL(sendfile, 1, ends[0], 0, 1));
  return 3;
}
