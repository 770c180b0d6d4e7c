// SPDX-License-Identifier: MIT
//
// A guest process: its memory and its threads, for host functions.
#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "guest/elf_image.h"
#include "memory/guest_memory.h"
#include "options.h"
#include "run/engine.h"

namespace mtetso {

// What a personality knows of a thread (linux/process.h).
struct PersonalThread {
  PersonalThread() = default;
  PersonalThread(const PersonalThread&) = delete;
  PersonalThread& operator=(const PersonalThread&) = delete;
  virtual ~PersonalThread() = default;
};

// Lockstep: what a thread waits for that no other guest thread brings about by itself. It runs
// again when one of the descriptors is ready, or at `until` (CLOCK_MONOTONIC, nanoseconds).
struct HostWait {
  std::vector<pollfd> descriptors;
  std::optional<uint64_t> until;
};

// What a thread has for itself; when it has ended, another one gets it.
struct ThreadPlace {
  Frame* frame = nullptr;
  uint64_t stack_low = 0;  // 0: the guest's own business
  uint64_t stack_size = 0;
  uint64_t tls_low = 0;  // 0: none
};

struct GuestThread {
  uint64_t id = 0;
  uint32_t core = 0;
  std::optional<uint32_t> processor;  // pinned: the one that it is bound to, until it is moved
  Frame* frame = nullptr;
  uint64_t waits_for = 0;  // lockstep: id of the thread it waits for, 0 if it does not
  bool asleep = false;     // lockstep: until another thread wakes it, or what `host_wait` says
  std::optional<HostWait> host_wait;  // lockstep
  bool exited = false;                // under Process::lock in threads mode
  uint64_t result = 0;
  ThreadPlace place;
  uint32_t callbacks = 0;      // guest functions that its host functions are calling right now
  std::exception_ptr pending;  // what ended one of them, to be rethrown when the host function ends
  std::unique_ptr<PersonalThread> personal;  // of a Linux program's thread
};

// The registers and the stack of a thread that has not run yet.
struct ThreadStart {
  uint64_t rip = 0;
  uint64_t rsp = 0;
  uint64_t fs_base = 0;
  uint64_t stack_low = 0;  // for debuggers
  uint64_t stack_high = 0;
};

// The guest ended the process. Not an error: it unwinds the host's stack to main.
struct GuestExit {
  int status = 0;
  int signal = 0;  // the one that the process dies of; 0: none
};

// How threads are scheduled: lockstep and threads mode implement it differently.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // A new thread can run from now on.
  virtual void start(GuestThread& thread) = 0;
  // False: `other` has not exited, and the caller's host function must be called again later.
  virtual bool wait(GuestThread& thread, GuestThread& other) = 0;
  // True: the thread's turn ends here.
  virtual bool yield(GuestThread& thread) = 0;
  // The thread's turn would end, but one of its host functions, which calls back into the guest, is
  // on the host's stack: other threads may run before it continues.
  virtual void interlude(GuestThread& thread) = 0;
};

class Process {
 public:
  static constexpr size_t kMaxThreads = 1024;  // at once
  static constexpr size_t kEndedKept = 32;     // whose records a debugger still finds
  static constexpr uint64_t kMainStack = 1 << 20;
  static constexpr uint64_t kThreadStack = 256 << 10;

  // All arguments outlive the process.
  Process(const Options& options, GuestMemory& memory, Engine& engine)
      : options_(options), memory_(memory), engine_(engine) {}

  // Maps a program for this runtime, makes its code and its first thread: at the image's entry,
  // with argc, argv on its stack as the System V ABI says. Throws StatusError, CodeError.
  GuestThread& start(ElfImage image);

  const Options& options() const { return options_; }
  GuestMemory& memory() { return memory_; }
  Engine& engine() { return engine_; }

  // Maps a further program and makes its code; null if that fails, and `why` is the reason.
  // Its data belongs to the thread that loads it.
  Program* load(const GuestThread& thread, const std::string& path, std::string& why);
  // False if there is no such program, or it is the first one.
  bool unload(uint64_t id);

  // The tag of memory that the first thread gets, before there is one.
  uint32_t first_tag() const { return core_tags(options_).of(core_of(1)); }
  // A thread that calls function(argument) and ends with what that returns; nullptr if there
  // is no memory, or, with a message for the first one, there are too many.
  GuestThread* make_thread(uint64_t function, uint64_t argument);
  // A thread of a Linux program, with `like`'s registers, if there is one, but for those that
  // `start` gives. nullptr if there are too many.
  GuestThread* make_linux_thread(const ThreadStart& start, const GuestThread* like);
  GuestThread* find(uint64_t id);
  // Those that are alive.
  std::vector<GuestThread*> threads();

  // In a child process: the other threads are not there.
  void only_thread(GuestThread& self);

  // Moves a thread to a core: its tag, with an event where it changes.
  void move(GuestThread& thread, uint32_t core);
  // The thread will access no guest memory any more, nor its frame. Where core ids are threads',
  // the next thread gets its own: all that this one did comes before all that the next one does.
  void leave(GuestThread& thread);

 private:
  bool map_image(const ElfImage& image, uint32_t tag);
  GuestThread& make_main_thread();
  // Makes a thread's copy of the image's thread-local storage and, after it, the block that FS
  // points to, with its own address in it (System V ABI, variant II); 0 if there is no memory or
  // the image has no thread-local storage.
  // The place's memory is used again if it has some.
  uint64_t make_tls(ThreadPlace& place, uint32_t tag);
  // Gives it a stack of at least `length` bytes, its own one again if it has one; false if there is
  // no memory.
  bool make_stack(ThreadPlace& place, uint64_t length, uint32_t tag);
  // That of a thread that has ended, or an empty one; nothing if there are too many threads.
  std::optional<ThreadPlace> take_place(bool with_stack);
  GuestThread& add_thread(uint32_t core, ThreadPlace place);
  // With lock_ held, except for the first thread.
  uint32_t core_of(uint64_t id) const;

  const Options& options_;
  const ElfImage* image_ = nullptr;  // of a program for this runtime: the first one's
  GuestMemory& memory_;
  Engine& engine_;
  std::mutex lock_;                                    // all below
  std::vector<std::unique_ptr<GuestThread>> threads_;  // ever
  std::vector<GuestThread*> alive_;
  std::deque<ThreadPlace> ended_;  // the oldest first
  size_t places_ = 0;
  bool refused_ = false;
  std::vector<bool> taken_;  // core numbers of threads that are alive
};

}  // namespace mtetso
