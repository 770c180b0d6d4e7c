// SPDX-License-Identifier: MIT
#include "linux/paths.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

namespace mtetso {
namespace {

std::string absolute(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  return real ? real.get() : path;
}

// What the kernel shows, whatever an unpacked system has in its place.
bool is_kernels(std::string_view path) {
  constexpr std::string_view kPlaces[] = {"/proc", "/sys", "/dev"};
  return std::any_of(std::begin(kPlaces), std::end(kPlaces), [&](std::string_view place) {
    return path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/');
  });
}

bool there(const std::string& path) {
  return faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace

Paths::Paths(std::string sysroot, const std::string& executable)
    : sysroot_(std::move(sysroot)), executable_(absolute(executable)) {
  while (sysroot_.ends_with('/')) sysroot_.pop_back();
}

std::string Paths::on_host(const std::string& path) const {
  if (!path.starts_with('/')) return path;
  if (proc_name(path) == "self/exe") return executable_;
  if (sysroot_.empty() || is_kernels(path)) return path;
  std::string below = sysroot_ + path;
  return there(below) ? below : path;
}

std::string Paths::proc_name(const std::string& path) {
  constexpr std::string_view kProc = "/proc/", kSelf = "self/", kThread = "thread-self/";
  if (!path.starts_with(kProc)) return "";
  std::string name = path.substr(kProc.size());
  for (const std::string& own : {std::to_string(getpid()) + "/", std::string(kThread)})
    if (name.starts_with(own)) name = std::string(kSelf) + name.substr(own.size());
  return name;
}

}  // namespace mtetso
