// Root in the VM, and malicious: leaves what it can where core files go and in its own folder, and
// tries to reach the host beyond them. Then it crashes. Usage: hostile_guest SECRET FILES
//
// Prints a line for each thing that it could do and should not have been able to.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void write_file(const char* path, mode_t mode, const void* data, size_t size) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (fd < 0 || write(fd, data, size) < 0) return;
  fchmod(fd, mode);
  close(fd);
}

static void bad(const char* what, int worked) {
  if (worked) printf("could: %s\n", what);
}

static void litter(const char* secret) {
  // The beginning of an ELF core file of AArch64, which is all that a careless host looks at.
  unsigned char core[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 4, [18] = 183, [20] = 1};
  char name[256];
  symlink(secret, "core.hostile.1");
  symlink(secret, "core.link");
  symlink("/", "core.root");
  symlink("../../..", "core.up");
  symlink(".", "core.here");
  mknod("core.disk", S_IFBLK | 0666, 0x0800);
  mknod("core.memory", S_IFCHR | 0666, 0x0101);
  mkfifo("core.fifo", 0666);
  link("core.link", "core.hard");
  mkdir("core.folder", 0777);
  mkdir("core.folder/core.inside", 0777);
  write_file(".gdbinit", 0644, "shell id\n", 9);
  write_file(".lldbinit", 0644, "platform shell id\n", 18);
  write_file("gdb.py", 0644, core, sizeof core);  // a core by its contents, not by its name
  write_file("core.setuid", 06755, core, sizeof core);
  write_file("core.text", 0644, "no core at all", 14);
  write_file("core.\x1b]0;owned\a\n\r", 0644, core, sizeof core);
  write_file("core.\xff\xfe", 0644, core, sizeof core);
  chown("core.setuid", 0, 0);
  memset(name, 'x', sizeof name);
  memcpy(name, "core.", 5);
  name[255] = 0;
  write_file(name, 0644, core, sizeof core);
  struct sockaddr_un address = {AF_UNIX, "core.socket"};
  int listening = socket(AF_UNIX, SOCK_STREAM, 0);
  if (listening >= 0) bind(listening, (struct sockaddr*)&address, sizeof address);
  int hole = open("core.huge", O_WRONLY | O_CREAT, 0644);
  if (hole >= 0 && pwrite(hole, core, sizeof core, 0) > 0 && ftruncate(hole, 1L << 40))
    perror("hole");
}

static void dig(int depth) {
  for (int i = 0; i < depth; ++i) {
    mkdir("deep", 0777);
    if (chdir("deep")) return;
  }
}

static void escape(const char* secret, const char* folder) {
  char path[8192];
  static const char* const up[] = {"..", "../..", "../../../../../../.."};
  for (size_t i = 0; i < sizeof up / sizeof *up; ++i) {
    snprintf(path, sizeof path, "%s/%s%s", folder, up[i], secret);
    int fd = open(path, O_RDWR);
    bad(path, fd >= 0);
  }
  bad("open the secret", open(secret, O_RDONLY) >= 0);
  bad("open it through a link", open("core.link", O_RDWR) >= 0);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  char here[4096];
  if (!getcwd(here, sizeof here)) return 2;
  bad("write here", open("written", O_WRONLY | O_CREAT, 0666) >= 0);
  litter(argv[1]);
  escape(argv[1], here);
  // The libraries are a folder of the host's that nobody is to change.
  mkdir("/tmp/again", 0777);
  if (!mount("share1", "/tmp/again", "9p", 0, "trans=virtio,version=9p2000.L"))
    bad("write to the libraries", open("/tmp/again/new", O_WRONLY | O_CREAT, 0666) >= 0);
  if (chdir("/mtedbg/cores")) return 2;
  litter(argv[1]);
  escape(argv[1], "/mtedbg/cores");
  char name[32];
  for (int i = 0; i < atoi(argv[2]); ++i) {
    snprintf(name, sizeof name, "core.many.%d", i);
    mknod(name, S_IFREG | 0644, 0);
  }
  if (!chdir("/mtedbg")) litter(argv[1]);
  dig(200);
  fflush(stdout);
  *(volatile int*)8 = 1;
}
