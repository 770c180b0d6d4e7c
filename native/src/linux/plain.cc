// SPDX-License-Identifier: MIT
//
// Numbers of x86-64: the kernel's arch/x86/entry/syscalls/syscall_64.tbl. Sizes: the structures of
// include/uapi, the same on both machines.
#include "linux/plain.h"

#include <fcntl.h>
#include <sys/syscall.h>

// Younger than some C libraries' headers; the number is the same on every machine.
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

namespace mtetso {
namespace {

using Kind = PlainArgument::Kind;

constexpr PlainArgument value(uint8_t from) { return {Kind::Value, from, 0, 0}; }
constexpr PlainArgument thread(uint8_t from) { return {Kind::Thread, from, 0, 0}; }
constexpr PlainArgument clock_id(uint8_t from) { return {Kind::Clock, from, 0, 0}; }
constexpr PlainArgument constant(int32_t it) { return {Kind::Constant, 0, 0, it}; }
constexpr PlainArgument path(uint8_t from) { return {Kind::Path, from, 0, 0}; }
constexpr PlainArgument path_at(uint8_t from) { return {Kind::PathAt, from, 0, 0}; }
constexpr PlainArgument text(uint8_t from) { return {Kind::Text, from, 0, 0}; }
constexpr PlainArgument in(uint8_t from, int32_t size) { return {Kind::In, from, 0, size}; }
constexpr PlainArgument out(uint8_t from, int32_t size) { return {Kind::Out, from, 0, size}; }
constexpr PlainArgument in_out(uint8_t from, int32_t size) { return {Kind::InOut, from, 0, size}; }
constexpr PlainArgument in_array(uint8_t from, uint8_t count, int32_t size) {
  return {Kind::InArray, from, count, size};
}
constexpr PlainArgument out_array(uint8_t from, uint8_t count, int32_t size) {
  return {Kind::OutArray, from, count, size};
}
constexpr PlainArgument in_bytes(uint8_t from, uint8_t count) { return in_array(from, count, 1); }
constexpr PlainArgument out_bytes(uint8_t from, uint8_t count) { return out_array(from, count, 1); }
constexpr PlainArgument array(uint8_t from, uint8_t count, int32_t size) {
  return {Kind::Array, from, count, size};
}
constexpr PlainArgument out_sized(uint8_t from, uint8_t count) {
  return {Kind::OutSized, from, count, 0};
}

constexpr PlainArgument here = constant(AT_FDCWD), zero = constant(0), v0 = value(0), v1 = value(1),
                        v2 = value(2), v3 = value(3), v4 = value(4), v5 = value(5);
constexpr Restart quick = Restart::Quick, if_asked = Restart::IfAsked, never = Restart::Never;

constexpr int kTimespec = 16, kItimerval = 32, kUsage = 144, kSiginfo = 128, kStatfs = 120,
              kRlimit = 16, kSysinfo = 112, kTimex = 208, kStatx = 256, kSchedParam = 4, kTms = 32,
              kMqAttr = 64;

// clang-format off
constexpr PlainCall kCalls[] = {
    {0, "read", SYS_read, if_asked, {v0, out_bytes(1, 2), v2}},
    {1, "write", SYS_write, if_asked, {v0, in_bytes(1, 2), v2}},
    {8, "lseek", SYS_lseek, quick, {v0, v1, v2}},
    {17, "pread64", SYS_pread64, if_asked, {v0, out_bytes(1, 2), v2, v3}},
    {18, "pwrite64", SYS_pwrite64, if_asked, {v0, in_bytes(1, 2), v2, v3}},
    {21, "access", SYS_faccessat, quick, {here, path(0), v1}},
    {22, "pipe", SYS_pipe2, quick, {out(0, 8), zero}},
    {32, "dup", SYS_dup, quick, {v0}},
    {36, "getitimer", SYS_getitimer, quick, {v0, out(1, kItimerval)}},
    {38, "setitimer", SYS_setitimer, quick, {v0, in(1, kItimerval), out(2, kItimerval)}},
    {39, "getpid", SYS_getpid, quick, {}},
    {40, "sendfile", SYS_sendfile, if_asked, {v0, v1, in_out(2, 8), v3}},
    {41, "socket", SYS_socket, quick, {v0, v1, v2}},
    {42, "connect", SYS_connect, if_asked, {v0, in_bytes(1, 2), v2}},
    {43, "accept", SYS_accept, if_asked, {v0, out_sized(1, 2), in_out(2, 4)}},
    {44, "sendto", SYS_sendto, if_asked, {v0, in_bytes(1, 2), v2, v3, in_bytes(4, 5), v5}},
    {45, "recvfrom", SYS_recvfrom, if_asked, {v0, out_bytes(1, 2), v2, v3, out_sized(4, 5), in_out(5, 4)}},
    {48, "shutdown", SYS_shutdown, quick, {v0, v1}},
    {49, "bind", SYS_bind, quick, {v0, in_bytes(1, 2), v2}},
    {50, "listen", SYS_listen, quick, {v0, v1}},
    {51, "getsockname", SYS_getsockname, quick, {v0, out_sized(1, 2), in_out(2, 4)}},
    {52, "getpeername", SYS_getpeername, quick, {v0, out_sized(1, 2), in_out(2, 4)}},
    {53, "socketpair", SYS_socketpair, quick, {v0, v1, v2, out(3, 8)}},
    {54, "setsockopt", SYS_setsockopt, quick, {v0, v1, v2, in_bytes(3, 4), v4}},
    {55, "getsockopt", SYS_getsockopt, quick, {v0, v1, v2, out_sized(3, 4), in_out(4, 4)}},
    {74, "fsync", SYS_fsync, quick, {v0}},
    {75, "fdatasync", SYS_fdatasync, quick, {v0}},
    {76, "truncate", SYS_truncate, quick, {path(0), v1}},
    {77, "ftruncate", SYS_ftruncate, quick, {v0, v1}},
    {79, "getcwd", SYS_getcwd, quick, {out_bytes(0, 1), v1}},
    {80, "chdir", SYS_chdir, quick, {path(0)}},
    {81, "fchdir", SYS_fchdir, quick, {v0}},
    {82, "rename", SYS_renameat2, quick, {here, path(0), here, path(1), zero}},
    {83, "mkdir", SYS_mkdirat, quick, {here, path(0), v1}},
    {84, "rmdir", SYS_unlinkat, quick, {here, path(0), constant(AT_REMOVEDIR)}},
    {86, "link", SYS_linkat, quick, {here, path(0), here, path(1), zero}},
    {87, "unlink", SYS_unlinkat, quick, {here, path(0), zero}},
    {88, "symlink", SYS_symlinkat, quick, {text(0), here, path(1)}},
    {90, "chmod", SYS_fchmodat, quick, {here, path(0), v1}},
    {91, "fchmod", SYS_fchmod, quick, {v0, v1}},
    {92, "chown", SYS_fchownat, quick, {here, path(0), v1, v2, zero}},
    {93, "fchown", SYS_fchown, quick, {v0, v1, v2}},
    {94, "lchown", SYS_fchownat, quick, {here, path(0), v1, v2, constant(AT_SYMLINK_NOFOLLOW)}},
    {95, "umask", SYS_umask, quick, {v0}},
    {96, "gettimeofday", SYS_gettimeofday, quick, {out(0, 16), out(1, 8)}},
    {97, "getrlimit", SYS_getrlimit, quick, {v0, out(1, kRlimit)}},
    {98, "getrusage", SYS_getrusage, quick, {v0, out(1, kUsage)}},
    {99, "sysinfo", SYS_sysinfo, quick, {out(0, kSysinfo)}},
    {100, "times", SYS_times, quick, {out(0, kTms)}},
    {102, "getuid", SYS_getuid, quick, {}},
    {104, "getgid", SYS_getgid, quick, {}},
    {105, "setuid", SYS_setuid, quick, {v0}},
    {106, "setgid", SYS_setgid, quick, {v0}},
    {107, "geteuid", SYS_geteuid, quick, {}},
    {108, "getegid", SYS_getegid, quick, {}},
    {109, "setpgid", SYS_setpgid, quick, {v0, v1}},
    {110, "getppid", SYS_getppid, quick, {}},
    {111, "getpgrp", SYS_getpgid, quick, {zero}},
    {112, "setsid", SYS_setsid, quick, {}},
    {113, "setreuid", SYS_setreuid, quick, {v0, v1}},
    {114, "setregid", SYS_setregid, quick, {v0, v1}},
    {115, "getgroups", SYS_getgroups, quick, {v0, out_array(1, 0, 4)}},
    {116, "setgroups", SYS_setgroups, quick, {v0, in_array(1, 0, 4)}},
    {117, "setresuid", SYS_setresuid, quick, {v0, v1, v2}},
    {118, "getresuid", SYS_getresuid, quick, {out(0, 4), out(1, 4), out(2, 4)}},
    {119, "setresgid", SYS_setresgid, quick, {v0, v1, v2}},
    {120, "getresgid", SYS_getresgid, quick, {out(0, 4), out(1, 4), out(2, 4)}},
    {121, "getpgid", SYS_getpgid, quick, {v0}},
    {122, "setfsuid", SYS_setfsuid, quick, {v0}},
    {123, "setfsgid", SYS_setfsgid, quick, {v0}},
    {124, "getsid", SYS_getsid, quick, {v0}},
    {125, "capget", SYS_capget, quick, {in_out(0, 8), out(1, 24)}},
    {126, "capset", SYS_capset, quick, {in_out(0, 8), in(1, 24)}},
    {127, "rt_sigpending", SYS_rt_sigpending, quick, {out(0, 8), v1}},
    {133, "mknod", SYS_mknodat, quick, {here, path(0), v1, v2}},
    {137, "statfs", SYS_statfs, quick, {path(0), out(1, kStatfs)}},
    {138, "fstatfs", SYS_fstatfs, quick, {v0, out(1, kStatfs)}},
    {140, "getpriority", SYS_getpriority, quick, {v0, thread(1)}},
    {141, "setpriority", SYS_setpriority, quick, {v0, thread(1), v2}},
    {142, "sched_setparam", SYS_sched_setparam, quick, {thread(0), in(1, kSchedParam)}},
    {143, "sched_getparam", SYS_sched_getparam, quick, {thread(0), out(1, kSchedParam)}},
    {144, "sched_setscheduler", SYS_sched_setscheduler, quick, {thread(0), v1, in(2, kSchedParam)}},
    {145, "sched_getscheduler", SYS_sched_getscheduler, quick, {thread(0)}},
    {146, "sched_get_priority_max", SYS_sched_get_priority_max, quick, {v0}},
    {147, "sched_get_priority_min", SYS_sched_get_priority_min, quick, {v0}},
    {148, "sched_rr_get_interval", SYS_sched_rr_get_interval, quick, {thread(0), out(1, kTimespec)}},
    {153, "vhangup", SYS_vhangup, quick, {}},
    {159, "adjtimex", SYS_adjtimex, quick, {in_out(0, kTimex)}},
    {160, "setrlimit", SYS_setrlimit, quick, {v0, in(1, kRlimit)}},
    {161, "chroot", SYS_chroot, quick, {path(0)}},
    {162, "sync", SYS_sync, quick, {}},
    {164, "settimeofday", SYS_settimeofday, quick, {in(0, 16), in(1, 8)}},
    {170, "sethostname", SYS_sethostname, quick, {in_bytes(0, 1), v1}},
    {171, "setdomainname", SYS_setdomainname, quick, {in_bytes(0, 1), v1}},
    {187, "readahead", SYS_readahead, quick, {v0, v1, v2}},
    {188, "setxattr", SYS_setxattr, quick, {path(0), text(1), in_bytes(2, 3), v3, v4}},
    {189, "lsetxattr", SYS_lsetxattr, quick, {path(0), text(1), in_bytes(2, 3), v3, v4}},
    {190, "fsetxattr", SYS_fsetxattr, quick, {v0, text(1), in_bytes(2, 3), v3, v4}},
    {191, "getxattr", SYS_getxattr, quick, {path(0), text(1), out_bytes(2, 3), v3}},
    {192, "lgetxattr", SYS_lgetxattr, quick, {path(0), text(1), out_bytes(2, 3), v3}},
    {193, "fgetxattr", SYS_fgetxattr, quick, {v0, text(1), out_bytes(2, 3), v3}},
    {194, "listxattr", SYS_listxattr, quick, {path(0), out_bytes(1, 2), v2}},
    {195, "llistxattr", SYS_llistxattr, quick, {path(0), out_bytes(1, 2), v2}},
    {196, "flistxattr", SYS_flistxattr, quick, {v0, out_bytes(1, 2), v2}},
    {197, "removexattr", SYS_removexattr, quick, {path(0), text(1)}},
    {198, "lremovexattr", SYS_lremovexattr, quick, {path(0), text(1)}},
    {199, "fremovexattr", SYS_fremovexattr, quick, {v0, text(1)}},
    {203, "sched_setaffinity", SYS_sched_setaffinity, quick, {thread(0), v1, in_bytes(2, 1)}},
    {204, "sched_getaffinity", SYS_sched_getaffinity, quick, {thread(0), v1, out_bytes(2, 1)}},
    {217, "getdents64", SYS_getdents64, quick, {v0, out_bytes(1, 2), v2}},
    {221, "fadvise64", SYS_fadvise64, quick, {v0, v1, v2, v3}},
    {223, "timer_settime", SYS_timer_settime, quick, {v0, v1, in(2, kItimerval), out(3, kItimerval)}},
    {224, "timer_gettime", SYS_timer_gettime, quick, {v0, out(1, kItimerval)}},
    {225, "timer_getoverrun", SYS_timer_getoverrun, quick, {v0}},
    {226, "timer_delete", SYS_timer_delete, quick, {v0}},
    {227, "clock_settime", SYS_clock_settime, quick, {clock_id(0), in(1, kTimespec)}},
    {228, "clock_gettime", SYS_clock_gettime, quick, {clock_id(0), out(1, kTimespec)}},
    {229, "clock_getres", SYS_clock_getres, quick, {clock_id(0), out(1, kTimespec)}},
    {245, "mq_getsetattr", SYS_mq_getsetattr, quick, {v0, in(1, kMqAttr), out(2, kMqAttr)}},
    {251, "ioprio_set", SYS_ioprio_set, quick, {v0, v1, v2}},
    {252, "ioprio_get", SYS_ioprio_get, quick, {v0, v1}},
    {253, "inotify_init", SYS_inotify_init1, quick, {zero}},
    {254, "inotify_add_watch", SYS_inotify_add_watch, quick, {v0, path(1), v2}},
    {255, "inotify_rm_watch", SYS_inotify_rm_watch, quick, {v0, v1}},
    {258, "mkdirat", SYS_mkdirat, quick, {v0, path_at(1), v2}},
    {259, "mknodat", SYS_mknodat, quick, {v0, path_at(1), v2, v3}},
    {260, "fchownat", SYS_fchownat, quick, {v0, path_at(1), v2, v3, v4}},
    {263, "unlinkat", SYS_unlinkat, quick, {v0, path_at(1), v2}},
    {264, "renameat", SYS_renameat2, quick, {v0, path_at(1), v2, path_at(3), zero}},
    {265, "linkat", SYS_linkat, quick, {v0, path_at(1), v2, path_at(3), v4}},
    {266, "symlinkat", SYS_symlinkat, quick, {text(0), v1, path_at(2)}},
    {268, "fchmodat", SYS_fchmodat, quick, {v0, path_at(1), v2}},
    {269, "faccessat", SYS_faccessat, quick, {v0, path_at(1), v2}},
    {275, "splice", SYS_splice, if_asked, {v0, in_out(1, 8), v2, in_out(3, 8), v4, v5}},
    {276, "tee", SYS_tee, if_asked, {v0, v1, v2, v3}},
    {277, "sync_file_range", SYS_sync_file_range, quick, {v0, v1, v2, v3}},
    {280, "utimensat", SYS_utimensat, quick, {v0, path_at(1), in(2, 32), v3}},
    {283, "timerfd_create", SYS_timerfd_create, quick, {v0, v1}},
    {284, "eventfd", SYS_eventfd2, quick, {v0, zero}},
    {285, "fallocate", SYS_fallocate, quick, {v0, v1, v2, v3}},
    {286, "timerfd_settime", SYS_timerfd_settime, quick, {v0, v1, in(2, kItimerval), out(3, kItimerval)}},
    {287, "timerfd_gettime", SYS_timerfd_gettime, quick, {v0, out(1, kItimerval)}},
    {288, "accept4", SYS_accept4, if_asked, {v0, out_sized(1, 2), in_out(2, 4), v3}},
    {290, "eventfd2", SYS_eventfd2, quick, {v0, v1}},
    {291, "epoll_create1", SYS_epoll_create1, quick, {v0}},
    {293, "pipe2", SYS_pipe2, quick, {out(0, 8), v1}},
    {294, "inotify_init1", SYS_inotify_init1, quick, {v0}},
    {302, "prlimit64", SYS_prlimit64, quick, {thread(0), v1, in(2, kRlimit), out(3, kRlimit)}},
    {305, "clock_adjtime", SYS_clock_adjtime, quick, {v0, in_out(1, kTimex)}},
    {306, "syncfs", SYS_syncfs, quick, {v0}},
    {309, "getcpu", SYS_getcpu, quick, {out(0, 4), out(1, 4)}},
    {314, "sched_setattr", SYS_sched_setattr, quick, {thread(0), in(1, 48), v2}},
    {315, "sched_getattr", SYS_sched_getattr, quick, {thread(0), array(1, 2, 1), v2, v3}},
    {316, "renameat2", SYS_renameat2, quick, {v0, path_at(1), v2, path_at(3), v4}},
    {318, "getrandom", SYS_getrandom, if_asked, {out_bytes(0, 1), v1, v2}},
    {319, "memfd_create", SYS_memfd_create, quick, {text(0), v1}},
    {324, "membarrier", SYS_membarrier, quick, {v0, v1, v2}},
    {326, "copy_file_range", SYS_copy_file_range, quick, {v0, in_out(1, 8), v2, in_out(3, 8), v4, v5}},
    {332, "statx", SYS_statx, quick, {v0, path_at(1), v2, v3, out(4, kStatx)}},
    {424, "pidfd_send_signal", SYS_pidfd_send_signal, quick, {v0, v1, in(2, kSiginfo), v3}},
    {434, "pidfd_open", SYS_pidfd_open, quick, {v0, v1}},
    {438, "pidfd_getfd", SYS_pidfd_getfd, quick, {v0, v1, v2}},
    {439, "faccessat2", SYS_faccessat2, quick, {v0, path_at(1), v2, v3}},
    {452, "fchmodat2", SYS_fchmodat2, quick, {v0, path_at(1), v2, v3}},
};
// clang-format on

}  // namespace

static_assert(std::size(kCalls) == kPlainCalls);

std::span<const PlainCall> plain_calls() { return kCalls; }

}  // namespace mtetso
