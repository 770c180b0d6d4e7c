// SPDX-License-Identifier: MIT
//
// Between the host's structures and constants and an x86-64 guest's.
#pragma once

#include <sys/stat.h>

#include <cstdint>

#include "linux/abi.h"

namespace mtetso {

x86::Stat to_guest(const struct stat& about);

// Flags of open: the guest's to the host's, and back (F_GETFL). Unknown ones stay as they are.
int host_open_flags(uint64_t guest);
uint64_t guest_open_flags(int host);

}  // namespace mtetso
