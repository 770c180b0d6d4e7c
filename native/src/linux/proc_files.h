// SPDX-License-Identifier: MIT
//
// Files of /proc that would be about this runtime or this machine: what a guest reads instead.
#pragma once

#include <optional>
#include <string>

#include "linux/call.h"

namespace mtetso {

// The descriptor, or the error, if `path` is such a file; `flags` are the guest's, of open(2).
std::optional<CallResult> open_proc_file(Call& call, const std::string& path, uint64_t flags);

}  // namespace mtetso
