// The first and only process of the lab's Linux VM.
//
// It is told what to do over one virtio-serial port, in frames of
// {kind: 1 byte, length: 4 bytes little endian, payload}, and answers the same way. There is no
// shell in between, so arguments, environment and exit status arrive exactly as they were sent.
//
//   host -> VM   M tag\0path\0options\0   mount a 9p share           -> A, or F text
//                N                        bring the network up       -> A, or F text
//                J cwd\0argc\0argv…\0env…\0  start a program         -> o/e output…, then X status
//                K signal (decimal text)  send it to the program     (no answer)
//                O                        write everything out, power off
//   VM -> host   R release\0mte\0         ready
//
// The port's other end going away means that nobody is left to want an answer: power off.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef HWCAP2_MTE
#define HWCAP2_MTE (1 << 18)
#endif

enum { max_frame = 4 << 20, chunk = 64 << 10, max_words = 4096 };

#define CORES "/cores"
#define SHARE "/mtedbg"

static int control = -1;

static _Noreturn void power_off(void) {
  sync();
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

// Before the port is there, the console is the only way to say why. The host shows its last lines.
static _Noreturn void give_up(const char* what) {
  fprintf(stderr, "lab init: %s: %s\n", what, strerror(errno));
  power_off();
}

// The port is not waited for in read or write: a write to a port whose other end is gone would wait
// for ever.
static void wait_for(short event) {
  struct pollfd port = {control, event, 0};
  while (poll(&port, 1, -1) < 0 && errno == EINTR) {
  }
  if (!(port.revents & event)) power_off();
}

static void write_all(const void* data, size_t size) {
  for (const char* at = data; size > 0;) {
    ssize_t n = write(control, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      wait_for(POLLOUT);
      continue;
    }
    if (n <= 0) power_off();
    at += n;
    size -= (size_t)n;
  }
}

static void send_frame(char kind, const void* payload, uint32_t size) {
  unsigned char header[5] = {(unsigned char)kind, size & 255, size >> 8 & 255, size >> 16 & 255,
                             size >> 24};
  write_all(header, sizeof header);
  write_all(payload, size);
}

static void send_text(char kind, const char* format, ...) __attribute__((format(printf, 2, 3)));
static void send_text(char kind, const char* format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  send_frame(kind, text, n < (int)sizeof text ? (uint32_t)n : sizeof text - 1);
}

static void read_exactly(void* data, size_t size) {
  for (char* at = data; size > 0;) {
    ssize_t n = read(control, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      wait_for(POLLIN);
      continue;
    }
    if (n <= 0) power_off();
    at += n;
    size -= (size_t)n;
  }
}

// A frame's payload, allocated, with a zero byte after its end.
static char* read_frame(char* kind, uint32_t* size) {
  unsigned char header[5];
  read_exactly(header, sizeof header);
  *kind = (char)header[0];
  *size = header[1] | header[2] << 8 | header[3] << 16 | (uint32_t)header[4] << 24;
  if (*size > max_frame) power_off();
  char* payload = calloc(1, *size + 1);
  if (!payload) give_up("frame");
  read_exactly(payload, *size);
  return payload;
}

// Splits "a\0b\0" into words; the last entry is NULL. Returns how many, or -1 for too many.
static int split(char* text, uint32_t size, char** words) {
  int count = 0;
  for (uint32_t at = 0; at < size; at += (uint32_t)strlen(text + at) + 1) {
    if (count == max_words) return -1;
    words[count++] = text + at;
  }
  words[count] = NULL;
  return count;
}

static void make_folders(const char* path) {
  char part[4096];
  for (size_t i = 1; i < sizeof part; ++i) {
    if (path[i] != '/' && path[i] != 0) continue;
    memcpy(part, path, i);
    part[i] = 0;
    mkdir(part, 0755);
    if (path[i] == 0) return;
  }
}

static void write_setting(const char* path, const char* value) {
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, value, strlen(value)) < 0) give_up(path);
  close(fd);
}

static void mount_system(void) {
  if (mount("proc", "/proc", "proc", 0, NULL)) give_up("/proc");
  if (mount("sysfs", "/sys", "sysfs", 0, NULL)) give_up("/sys");
  if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL)) give_up("/dev");
  // What udev makes elsewhere: shells read what a process writes from /dev/fd/N.
  if (symlink("/proc/self/fd", "/dev/fd") || symlink("fd/0", "/dev/stdin") ||
      symlink("fd/1", "/dev/stdout") || symlink("fd/2", "/dev/stderr"))
    give_up("/dev/fd");
  mkdir("/dev/shm", 01777);
  if (mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL)) give_up("/dev/shm");
  mkdir("/dev/pts", 0755);  // lldb-server gives what it starts a terminal
  if (mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666")) give_up("/dev/pts");
  if (mount("tmpfs", "/tmp", "tmpfs", 0, NULL)) give_up("/tmp");
  if (mount("tmpfs", CORES, "tmpfs", 0, "size=100%")) give_up(CORES);
}

// The file lists the modules in an order in which each finds what it needs.
static void load_modules(void) {
  FILE* list = fopen("/modules.order", "re");
  char name[256];
  if (!list) give_up("/modules.order");
  while (fgets(name, sizeof name, list)) {
    name[strcspn(name, "\n")] = 0;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) give_up(name);
    if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST) give_up(name);
    close(fd);
  }
  fclose(list);
}

static int open_first_port(void) {
  struct dirent* entry;
  int fd = -1;
  DIR* folder = opendir("/dev");
  while (fd < 0 && folder && (entry = readdir(folder)))
    if (!strncmp(entry->d_name, "vport", 5))
      fd = openat(dirfd(folder), entry->d_name, O_RDWR | O_CLOEXEC);
  if (folder) closedir(folder);
  return fd;
}

// The port appears some time after its driver was loaded. Watch first, look then: nothing is
// missed.
static void open_control(void) {
  char events[4096];
  int watch = inotify_init1(IN_CLOEXEC);
  if (watch < 0 || inotify_add_watch(watch, "/dev", IN_CREATE | IN_ATTRIB) < 0) give_up("inotify");
  while ((control = open_first_port()) < 0)
    if (read(watch, events, sizeof events) <= 0) give_up("waiting for the port");
  close(watch);
}

static void do_mount(char* payload, uint32_t size) {
  char* words[max_words + 1];
  if (split(payload, size, words) != 3) {
    send_text('F', "mount: wrong request");
    return;
  }
  make_folders(words[1]);
  if (mount(words[0], words[1], "9p", MS_NOATIME, words[2]))
    send_text('F', "mount %s: %s", words[1], strerror(errno));
  else
    send_frame('A', "", 0);
}

static int bring_up(int fd, const char* name, const char* address, const char* mask) {
  struct ifreq request = {0};
  struct sockaddr_in* in = (struct sockaddr_in*)&request.ifr_addr;
  strcpy(request.ifr_name, name);
  in->sin_family = AF_INET;
  inet_pton(AF_INET, address, &in->sin_addr);
  if (ioctl(fd, SIOCSIFADDR, &request)) return -1;
  inet_pton(AF_INET, mask, &in->sin_addr);
  if (ioctl(fd, SIOCSIFNETMASK, &request)) return -1;
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ioctl(fd, SIOCSIFFLAGS, &request);
}

// The addresses are those of QEMU's user network.
static void do_network(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (bring_up(fd, "lo", "127.0.0.1", "255.0.0.0") ||
      bring_up(fd, "eth0", "10.0.2.15", "255.255.255.0"))
    send_text('F', "network: %s", strerror(errno));
  else
    send_frame('A', "", 0);
  close(fd);
}

struct job {
  pid_t pid;
  int output[2];
};

static _Noreturn void run_child(const char* cwd, char** argv, char** env, int pipes[2][2]) {
  int null = open("/dev/null", O_RDONLY);
  struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  setsid();
  setrlimit(RLIMIT_CORE, &unlimited);
  dup2(null, 0);
  dup2(pipes[0][1], 1);
  dup2(pipes[1][1], 2);
  const char* failed = chdir(cwd) ? cwd : argv[0];
  if (failed == argv[0]) execve(argv[0], argv, env);
  int error = errno;
  dprintf(2, "%s: %s\n", failed, strerror(error));
  _exit(error == ENOENT ? 127 : 126);
}

// Returns false when the request could not be carried out (and was answered).
static bool start_job(struct job* job, char* payload, uint32_t size) {
  char* words[max_words + 1];
  int pipes[2][2];
  int count = split(payload, size, words);
  int argc = count >= 3 ? atoi(words[1]) : 0;
  if (argc < 1 || argc > count - 2) {
    send_text('F', "run: wrong request, or more than %d words", max_words);
    return false;
  }
  char** env = words + 2 + argc;
  char* argv[max_words + 1];
  memcpy(argv, words + 2, (size_t)argc * sizeof *argv);
  argv[argc] = NULL;
  if (pipe2(pipes[0], O_CLOEXEC) || pipe2(pipes[1], O_CLOEXEC)) give_up("pipe");
  job->pid = fork();
  if (job->pid < 0) give_up("fork");
  if (job->pid == 0) run_child(words[0], argv, env, pipes);
  for (int i = 0; i < 2; ++i) {
    close(pipes[i][1]);
    job->output[i] = pipes[i][0];
  }
  return true;
}

// Returns false at the end of the stream.
static bool forward(int fd, char kind) {
  static char data[chunk];
  ssize_t n = read(fd, data, sizeof data);
  if (n > 0) send_frame(kind, data, (uint32_t)n);
  return n > 0 || (n < 0 && errno == EINTR);
}

static void control_during_job(const struct job* job) {
  char kind;
  uint32_t size;
  char* payload = read_frame(&kind, &size);
  if (kind == 'O') power_off();
  if (kind == 'K' && job->pid > 0) kill(-job->pid, atoi(payload));
  free(payload);
}

// Takes every child that has ended; returns true, with its status, when the program was among them.
static bool reap(const struct job* job, int* status) {
  bool ended = false;
  int now;
  pid_t pid;
  while ((pid = waitpid(-1, &now, WNOHANG)) > 0)
    if (pid == job->pid) {
      *status = now;
      ended = true;
    }
  return ended;
}

// Forwards output until the program has ended and both its streams are at their end. What it left
// running is killed then: each program finds the machine as the first did.
static int watch_job(struct job* job, int children) {
  enum { from_host, from_children, out, err, sources };
  struct pollfd fds[sources] = {[from_host] = {control, POLLIN, 0},
                                [from_children] = {children, POLLIN, 0},
                                [out] = {job->output[0], POLLIN, 0},
                                [err] = {job->output[1], POLLIN, 0}};
  bool ended = false;
  int status = 0;
  while (!ended || fds[out].fd >= 0 || fds[err].fd >= 0) {
    if (poll(fds, sources, -1) < 0 && errno != EINTR) give_up("poll");
    if (fds[from_children].revents & POLLIN) {
      struct signalfd_siginfo info;
      if (read(children, &info, sizeof info) > 0 && reap(job, &status)) {
        ended = true;
        kill(-1, SIGKILL);
      }
    }
    for (int i = out; i <= err; ++i)
      if (fds[i].fd >= 0 && fds[i].revents && !forward(fds[i].fd, i == out ? 'o' : 'e')) {
        close(fds[i].fd);
        fds[i].fd = -1;
      }
    if (fds[from_host].revents) control_during_job(job);
  }
  // One that is writing its core goes last: the next program must not be given what is left of it.
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {
  }
  return status;
}

// Copies one file's data and keeps its holes. Small writes over 9p are slow, and a core has
// thousands.
static bool copy_file(int from, int to) {
  static char data[chunk * 8];
  off_t end = lseek(from, 0, SEEK_END);
  for (off_t at = lseek(from, 0, SEEK_DATA); at >= 0 && at < end; at = lseek(from, at, SEEK_DATA)) {
    off_t hole = lseek(from, at, SEEK_HOLE);
    while (at < hole) {
      size_t want = hole - at < (off_t)sizeof data ? (size_t)(hole - at) : sizeof data;
      ssize_t got = pread(from, data, want, at);
      if (got <= 0 || pwrite(to, data, (size_t)got, at) != got) return false;
      at += got;
    }
  }
  return ftruncate(to, end) == 0;
}

// The kernel writes cores into memory; the host gets them when they are whole. Returns false, with
// a message for the host, when one does not fit there.
static bool hand_over_cores(void) {
  DIR* folder = opendir(CORES);
  struct dirent* entry;
  bool good = folder != NULL;
  while (good && (entry = readdir(folder))) {
    if (entry->d_type != DT_REG) continue;
    int from = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int share = open(SHARE "/cores", O_PATH | O_CLOEXEC);
    int to = openat(share, entry->d_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    good = from >= 0 && to >= 0 && copy_file(from, to);
    if (!good) send_text('F', "core file %s: %s", entry->d_name, strerror(errno));
    unlinkat(dirfd(folder), entry->d_name, 0);
    close(from);
    close(share);
    close(to);
  }
  if (folder) closedir(folder);
  return good;
}

static void do_job(char* payload, uint32_t size, int children) {
  struct job job;
  if (!start_job(&job, payload, size)) return;
  int status = watch_job(&job, children);
  if (!hand_over_cores()) return;
  sync();  // what the program wrote to the shares is on the host before the host hears of the end
  if (WIFSIGNALED(status))
    send_text('X', "signal %d %d", WTERMSIG(status), WCOREDUMP(status) ? 1 : 0);
  else
    send_text('X', "exit %d 0", WEXITSTATUS(status));
}

static int catch_children(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(void) {
  mount_system();
  load_modules();
  open_control();
  write_setting("/proc/sys/kernel/core_pattern", CORES "/core.%e.%p");
  signal(SIGPIPE, SIG_IGN);
  int children = catch_children();
  struct utsname name;
  uname(&name);
  // This one waits until the other end is there.
  send_text('R', "%s %d", name.release, (getauxval(AT_HWCAP2) & HWCAP2_MTE) != 0);
  if (fcntl(control, F_SETFL, O_RDWR | O_NONBLOCK)) give_up("fcntl");
  for (;;) {
    char kind;
    uint32_t size;
    char* payload = read_frame(&kind, &size);
    if (kind == 'M') do_mount(payload, size);
    if (kind == 'N') do_network();
    if (kind == 'J') do_job(payload, size, children);
    if (kind == 'O') power_off();
    free(payload);
  }
}
