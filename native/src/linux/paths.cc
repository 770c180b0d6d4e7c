// SPDX-License-Identifier: MIT
#include "linux/paths.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

namespace mtetso {
namespace {

std::string absolute(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
  if (real) return real.get();
  // A descriptor of a file that has no name any more.
  char target[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), target, sizeof target);
  return size > 0 && target[0] == '/' ? std::string(target, static_cast<size_t>(size)) : path;
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
  if (!sysroot_.empty()) sysroot_ = absolute(sysroot_);
  while (sysroot_.ends_with('/')) sysroot_.pop_back();
}

std::string Paths::on_host(const std::string& path, int directory) const {
  if (!path.starts_with('/')) return from_folder(path, directory);
  if (proc_name(path) == "self/exe") return executable_;
  if (sysroot_.empty() || is_kernels(path)) return path;
  std::string below = sysroot_ + path;
  return there(below) ? below : path;
}

// As an absolute path would be: first below the sysroot, then on the host. Something new is where
// its folder is.
std::string Paths::from_folder(const std::string& path, int directory) const {
  if (sysroot_.empty() || path.empty()) return path;
  std::string from = folder(directory);
  if (!from.starts_with('/')) return path;
  const bool inside = from == sysroot_ || from.starts_with(sysroot_ + "/");
  if (inside) from.erase(0, sysroot_.size());
  if (from == "/") from.clear();
  std::string whole = from + "/" + path;
  if (is_kernels(whole)) return inside ? whole : path;
  std::string below = sysroot_ + whole;
  if (there(below)) return inside ? path : below;
  if (!inside || there(whole)) return inside ? whole : path;
  const std::string parent = whole.substr(0, whole.find_last_of('/', whole.find_last_not_of('/')));
  return !there(sysroot_ + parent) && there(parent) ? whole : path;
}

std::string Paths::folder(int directory) {
  char name[PATH_MAX];
  const std::string link =
      directory == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/" + std::to_string(directory);
  const ssize_t size = readlink(link.c_str(), name, sizeof name);
  return size > 0 ? std::string(name, static_cast<size_t>(size)) : "";
}

std::string Paths::in_proc(const std::string& path, int directory) {
  constexpr std::string_view kOwn[] = {"exe", "cmdline", "maps", "auxv", "stat", "cpuinfo", "comm"};
  const std::string_view last = std::string_view(path).substr(path.rfind('/') + 1);
  if (path.starts_with('/') || std::ranges::find(kOwn, last) == std::end(kOwn)) return path;
  const std::string from = folder(directory);
  return from == "/proc" || from.starts_with("/proc/") ? from + "/" + path : path;
}

std::string Paths::proc_name(const std::string& path) {
  constexpr std::string_view kProc = "/proc/", kSelf = "self/", kThread = "thread-self/";
  if (!path.starts_with(kProc)) return "";
  std::string name = path.substr(kProc.size());
  for (const std::string& own : {std::to_string(getpid()) + "/", std::string(kThread)})
    if (name.starts_with(own)) name = std::string(kSelf) + name.substr(own.size());
  // What is of the process is the same for each thread.
  constexpr std::string_view kTask = "self/task/", kSame[] = {"exe", "cmdline", "maps", "auxv"};
  if (name.starts_with(kTask)) {
    const size_t slash = name.find('/', kTask.size());
    const std::string_view last = std::string_view(name).substr(slash + 1);
    if (slash != name.npos && std::ranges::find(kSame, last) != std::end(kSame))
      return std::string(kSelf) + std::string(last);
  }
  return name;
}

}  // namespace mtetso
