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

  // Where a path of the guest is on the host: below the sysroot if there is something, as `qemu -L`
  // has it, else the same path; the program itself for /proc/self/exe. A relative one begins in the
  // folder that descriptor `directory` is open for (AT_FDCWD: the current one).
  std::string on_host(const std::string& path, int directory = kCurrent) const;

  // What /proc/self/exe points to.
  const std::string& executable() const { return executable_; }

  // The absolute path that begins in such a folder, if that is in /proc and the file is one that is
  // about the guest there; else the path as it is.
  static std::string in_proc(const std::string& path, int directory);

  // The name after /proc/self/, or /proc/PID/ with the process's own number, or after /proc/ alone:
  // "self/maps", "cpuinfo"; empty if the path is not in /proc.
  static std::string proc_name(const std::string& path);

 private:
  static constexpr int kCurrent = -100;  // AT_FDCWD
  std::string from_folder(const std::string& path, int directory) const;
  // The absolute path of a folder on the host; empty where there is none.
  static std::string folder(int directory);
  std::string sysroot_;
  std::string executable_;
};

}  // namespace mtetso
