// SPDX-License-Identifier: MIT
//
// Files as the guest sees them: paths below --sysroot, and the files in /proc that are about the
// guest, not about this runtime.
#pragma once

#include <optional>
#include <string>

namespace mtetso {

class Paths {
 public:
  // `sysroot` may be empty. `executable`: the program's path.
  Paths(std::string sysroot, const std::string& executable);

  // Where a path of the guest is on the host: below the sysroot if it is absolute and there is
  // something, as `qemu -L` has it; the program itself for /proc/self/exe.
  std::string on_host(const std::string& path) const;

  // What /proc/self/exe points to.
  const std::string& executable() const { return executable_; }

  // The name after /proc/self/, or /proc/PID/ with the process's own number, or after /proc/ alone:
  // "self/maps", "cpuinfo"; empty if the path is not in /proc.
  static std::string proc_name(const std::string& path);

 private:
  std::string sysroot_;
  std::string executable_;
};

}  // namespace mtetso
