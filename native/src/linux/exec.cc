// SPDX-License-Identifier: MIT
#include "linux/exec.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

#include "debug/kept_file.h"
#include "debug/say.h"
#include "linux/arrival.h"
#include "linux/host_call.h"
#include "linux/process.h"
#include "run/profile_writer.h"
#include "status.h"

namespace mtetso {
namespace {

constexpr std::string_view kDescriptors = "/proc/self/fd/";
constexpr size_t kMostWords = 1 << 20, kLongestWord = 128 << 10;  // MAX_ARG_STRLEN

std::string link_of(const std::string& path) {
  char target[4096];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<size_t>(size)) : "";
}

// 0 or the error.
int read_words(Call& call, uint64_t address, std::vector<std::string>& words) {
  if (address == 0) return 0;  // Linux takes a null pointer as an empty list
  for (;; address += 8) {
    const auto at = call.get<uint64_t>(address);
    if (!at) return -EFAULT;
    if (*at == 0) return 0;
    std::string word;
    const int error = call.read_string(*at, word, kLongestWord);
    if (error != 0) return error == -ENAMETOOLONG ? -E2BIG : error;
    words.push_back(std::move(word));
    if (words.size() > kMostWords) return -E2BIG;
  }
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const auto& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

int may_execute(const std::string& path) {
  struct stat about = {};
  if (::stat(path.c_str(), &about) != 0) return -errno;
  if (!S_ISREG(about.st_mode)) return -EACCES;
  return faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : -errno;
}

// fs/binfmt_script.c: the interpreter, and at most one argument.
void read_script_line(const std::string& head, std::vector<std::string>& words) {
  const std::string line = head.substr(2, head.find('\n') - 2);
  const size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos) return;
  const size_t end = line.find_first_of(" \t", begin);
  words.push_back(line.substr(begin, end - begin));
  if (end == std::string::npos) return;
  const size_t more = line.find_first_not_of(" \t", end);
  if (more == std::string::npos) return;
  words.push_back(line.substr(more, line.find_last_not_of(" \t") - more + 1));
}

// A program that a descriptor names, which is closed on execve: the next runtime finds it by its
// own name, else by another descriptor, which it closes.
class KeptForExec {
 public:
  explicit KeptForExec(const std::string& path) : path_(path) {
    if (!path.starts_with(kDescriptors) || path.find('/', kDescriptors.size()) != path.npos) return;
    const int number = std::atoi(path.c_str() + kDescriptors.size());
    const int flags = fcntl(number, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) == 0) return;
    struct stat open = {}, named = {};
    const std::string name = link_of(path);
    if (fstat(number, &open) == 0 && ::stat(name.c_str(), &named) == 0 &&
        open.st_dev == named.st_dev && open.st_ino == named.st_ino) {
      path_ = name;
    } else {
      kept_ = moved_away(dup(number));
      fcntl(kept_, F_SETFD, 0);
      path_ = std::string(kDescriptors) + std::to_string(kept_);
    }
  }
  ~KeptForExec() {
    if (kept_ >= 0) close(kept_);
  }
  KeptForExec(const KeptForExec&) = delete;
  KeptForExec& operator=(const KeptForExec&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int kept_ = -1;
};

// `name`: how the guest has called it, `path`: where that is on the host.
CallResult run_instead(Call& call, const std::string& name, const std::string& path) {
  std::vector<std::string> arguments, environment;
  if (const int error = read_words(call, call.arguments[1], arguments); error != 0) return error;
  if (const int error = read_words(call, call.arguments[2], environment); error != 0) return error;
  Executable found;
  if (const int error = find_executable(path, call.process.paths(), found); error != 0)
    return error;
  const KeptForExec kept(found.path);
  std::string first = arguments.empty() ? "" : arguments.front();
  if (!found.before.empty()) first = found.before.front();
  const Options& options = call.process.options();
  const Launcher launcher = find_launcher(options.word_count);
  std::vector<std::string> words = launcher.words;
  words.insert(words.end(), options.words.begin(), options.words.end());
  const std::string before = std::to_string(ProfileWriter::named_by_id());
  for (const auto& [option, value] : {std::pair<const char*, std::string>{"--executed", before},
                                      {"--argv0", first},
                                      {"--exec-name", name},
                                      {"--standard-error", named_standard_error()}})
    words.insert(words.end(), {option, value});
  words.insert(words.end(), {"--", kept.path()});
  if (!found.before.empty())
    words.insert(words.end(), found.before.begin() + 1, found.before.end());
  if (arguments.size() > 1) words.insert(words.end(), arguments.begin() + 1, arguments.end());
  // The new program has the guest's mask, and what has arrived is handled before.
  set_host_mask(call.linux_thread.mask);
  if (arrived() != 0) return kRetry;
  const auto argv = pointers(words), envp = pointers(environment);
  ProfileWriter::before_exec();
  return host_call(SYS_execve,
                   {{reinterpret_cast<long>(launcher.program.c_str()),
                     reinterpret_cast<long>(argv.data()), reinterpret_cast<long>(envp.data())}});
}

}  // namespace

// The kernel's view of this thread shows an emulator's words; QEMU's user mode answers for
// /proc/self alone as if there was none.
Launcher find_launcher(size_t count) {
  const std::string task = "/proc/self/task/" + std::to_string(::syscall(SYS_gettid));
  Launcher launcher{link_of(task + "/exe"), {}};
  const std::string own = link_of("/proc/self/exe");
  std::ifstream file(task + "/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  if (launcher.program != own && words.size() > count)
    launcher.words.assign(words.begin(), words.end() - static_cast<ptrdiff_t>(count));
  else
    launcher.program = own;
  launcher.words.push_back(own);
  return launcher;
}

int find_executable(const std::string& path, const Paths& paths, Executable& found) {
  constexpr int kDeepest = 5;  // BINPRM_MAX_RECURSION
  found.path = path;
  for (int depth = 0; depth <= kDeepest; ++depth) {
    if (const int error = may_execute(found.path); error != 0) return error;
    std::ifstream file(found.path, std::ios::binary);
    std::string head(256, '\0');  // BINPRM_BUF_SIZE
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    if (head.starts_with(ELFMAG)) {
      Elf64_Ehdr header;
      if (head.size() < sizeof header) return -ENOEXEC;
      std::memcpy(&header, head.data(), sizeof header);
      const bool ours = header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == EM_X86_64;
      return ours ? 0 : -ENOEXEC;
    }
    if (!head.starts_with("#!")) return -ENOEXEC;
    std::vector<std::string> words;
    read_script_line(head, words);
    if (words.empty()) return -ENOEXEC;
    words.push_back(found.path);
    if (!found.before.empty())
      words.insert(words.end(), found.before.begin() + 1, found.before.end());
    found.path = paths.on_host(words.front());
    found.before = std::move(words);
  }
  return -ELOOP;
}

void enter_script(Options& options) {
  char head[2] = {};
  std::ifstream file(options.guest, std::ios::binary);
  if (!file.read(head, sizeof head) || std::string_view(head, sizeof head) != "#!") return;
  Executable found;
  if (const int error = find_executable(options.guest, {options.sysroot, ""}, found); error != 0) {
    const bool own = found.path == options.guest;
    const std::string which =
        own ? options.guest : options.guest + ": its interpreter " + found.path;
    if (error == -ENOEXEC)
      throw StatusError(
          Status::WrongTarget,
          which + (own ? ": a script without an interpreter"
                       : ": not an x86-64 program; --sysroot DIR looks it up in DIR first"));
    throw StatusError(Status::CannotOpen, which + ": " + std::strerror(-error));
  }
  if (options.exec_name.empty()) options.exec_name = options.guest;
  options.guest = found.path;
  options.argv0 = found.before.front();
  options.arguments.insert(options.arguments.begin(), found.before.begin() + 1, found.before.end());
}

void close_after_exec(const Options& options) {
  const size_t prefix = kDescriptors.size();
  if (!options.executed || !options.guest.starts_with(kDescriptors)) return;
  // Else it is the guest's own: the number is the one that it has called it by.
  if (options.exec_name.substr(options.exec_name.rfind('/') + 1) != options.guest.substr(prefix))
    close(std::atoi(options.guest.c_str() + prefix));
}

CallResult execve(Call& call) {
  std::string name;
  if (const int error = call.read_string(call.arguments[0], name); error != 0) return error;
  return run_instead(call, name, call.process.paths().on_host(name));
}

CallResult execveat(Call& call) {
  std::string name;
  if (const int error = call.read_string(call.arguments[1], name); error != 0) return error;
  const int directory = call.number_at(0);
  const uint64_t flags = call.arguments[4];
  if ((flags & ~uint64_t{AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW}) != 0) return -EINVAL;
  if (name.empty() && (flags & AT_EMPTY_PATH) == 0) return -ENOENT;
  std::string path = call.process.paths().on_host(name, directory);
  if (!path.starts_with('/') && directory != AT_FDCWD) {
    const std::string rest = std::to_string(directory) + (name.empty() ? "" : "/" + name);
    path = "/proc/self/fd/" + rest;
    name = "/dev/fd/" + rest;  // as the kernel calls it
  }
  struct stat about = {};
  if ((flags & AT_SYMLINK_NOFOLLOW) != 0 && path.find("/proc/self/fd/") != 0 &&
      ::lstat(path.c_str(), &about) == 0 && S_ISLNK(about.st_mode))
    return -ELOOP;
  for (unsigned i = 1; i < 3; ++i) call.arguments[i] = call.arguments[i + 1];
  return run_instead(call, name, path);
}

}  // namespace mtetso
