// SPDX-License-Identifier: MIT
#include "linux/convert.h"

namespace mtetso {
namespace {

// arch/arm64/include/uapi/asm/fcntl.h: a C library may define O_LARGEFILE as 0.
constexpr uint32_t kHostDirectory = 040000, kHostNoFollow = 0100000, kHostDirect = 0200000,
                   kHostLargeFile = 0400000;

struct OpenFlag {
  uint32_t guest, host;
};
constexpr OpenFlag kOpenFlags[] = {{x86::kDirect, kHostDirect},
                                   {x86::kLargeFile, kHostLargeFile},
                                   {x86::kDirectory, kHostDirectory},
                                   {x86::kNoFollow, kHostNoFollow}};

}  // namespace

x86::Stat to_guest(const struct stat& about) {
  return {.dev = about.st_dev,
          .ino = about.st_ino,
          .nlink = static_cast<uint64_t>(about.st_nlink),
          .mode = about.st_mode,
          .uid = about.st_uid,
          .gid = about.st_gid,
          .pad = 0,
          .rdev = about.st_rdev,
          .size = about.st_size,
          .blksize = about.st_blksize,
          .blocks = about.st_blocks,
          .atime = static_cast<uint64_t>(about.st_atim.tv_sec),
          .atime_nsec = static_cast<uint64_t>(about.st_atim.tv_nsec),
          .mtime = static_cast<uint64_t>(about.st_mtim.tv_sec),
          .mtime_nsec = static_cast<uint64_t>(about.st_mtim.tv_nsec),
          .ctime = static_cast<uint64_t>(about.st_ctim.tv_sec),
          .ctime_nsec = static_cast<uint64_t>(about.st_ctim.tv_nsec),
          .unused = {}};
}

int host_open_flags(uint64_t guest) {
  auto host = static_cast<uint32_t>(guest);
  for (const auto& one : kOpenFlags) host &= ~one.guest;
  for (const auto& one : kOpenFlags)
    if ((guest & one.guest) != 0) host |= one.host;
  return static_cast<int>(host);
}

uint64_t guest_open_flags(int host) {
  auto guest = static_cast<uint32_t>(host);
  for (const auto& one : kOpenFlags) guest &= ~one.host;
  for (const auto& one : kOpenFlags)
    if ((static_cast<uint32_t>(host) & one.host) != 0) guest |= one.guest;
  return guest;
}

}  // namespace mtetso
