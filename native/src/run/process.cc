// SPDX-License-Identifier: MIT

#include "run/process.h"

#include <elf.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "debug/threads.h"
#include "memory/tags.h"
#include "run/core_ids.h"
#include "status.h"
#include "translate/stubs.h"

namespace mtetso {
namespace {

constexpr uint64_t kPage = 4096;       // the granularity of x86-64 segments
constexpr uint64_t kThreadBlock = 64;  // after thread-local storage, as large as in C libraries
constexpr unsigned kRsp = 4, kRdi = 7;

uint64_t& gpr(Frame& frame, unsigned index) { return (&frame.guest.rax)[index]; }

// Writes to memory that was just allocated for one thread and that no other thread can reach: by a
// pointer with its tag, so that it stays local.
void write_fresh(uint64_t address, const void* bytes, size_t size) {
  std::memcpy(reinterpret_cast<void*>(with_tag(address, read_tag(address))), bytes, size);
}

// The stack from rsp upwards at the entry point: argc, argv, no environment, no auxiliary vector.
std::vector<uint8_t> initial_stack(const Options& options, uint64_t top, uint64_t& rsp) {
  std::vector<std::string> arguments{options.guest};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  size_t text = 0;
  for (const auto& argument : arguments) text += argument.size() + 1;
  size_t words = 1 + arguments.size() + 1 + 1 + 2;
  rsp = (top - text - 8 * words) & ~uint64_t{15};
  std::vector<uint8_t> bytes(top - rsp);
  size_t word = 0, at = bytes.size() - text;
  auto put = [&](uint64_t value) { std::memcpy(bytes.data() + 8 * word++, &value, 8); };
  put(arguments.size());
  for (const auto& argument : arguments) {
    put(rsp + at);
    std::memcpy(bytes.data() + at, argument.c_str(), argument.size() + 1);
    at += argument.size() + 1;
  }
  return bytes;
}

// What the guest's own instructions can see.
void copy_guest_state(Frame& to, const Frame& from) {
  std::memcpy(&to.guest.rax, &from.guest.rax, 16 * sizeof(uint64_t));
  to.guest.flags = from.guest.flags;
  to.gs_base = from.gs_base;
  to.parity = from.parity;
  to.adjust = from.adjust;
  to.direction = from.direction;
}

// The pages of an image.
struct Extent {
  explicit Extent(const ElfImage& image) {
    const auto &first = image.segments().front(), &last = image.segments().back();
    begin = first.address & ~(kPage - 1);
    end = (last.address + last.memory_size + kPage - 1) & ~(kPage - 1);
  }
  uint64_t begin, end;
};

}  // namespace

GuestThread& Process::start(ElfImage image) {
  if (!map_image(image, first_tag()))
    throw StatusError(Status::Internal,
                      std::string("cannot map the guest's image: ") + std::strerror(errno));
  image_ = &engine_.load(std::move(image), options_.guest).image();
  return make_main_thread();
}

// False with errno set. No thread can access it before this returns.
bool Process::map_image(const ElfImage& image, uint32_t tag) {
  const Extent extent(image);
  if (options_.data_start == MTEDBG_Mode_Shared) tag = core_tags(options_).shared;
  if (!memory_.map_image(extent.begin, extent.end - extent.begin, tag)) return false;
  for (const auto& segment : image.segments())
    if (!segment.file.empty())
      write_fresh(segment.address, segment.file.data(), segment.file.size());
  for (const auto& segment : image.segments()) {
    if ((segment.flags & PF_W) != 0) {
      if ((segment.flags & PF_X) != 0) memory_.allow_code(segment.address, segment.memory_size);
      continue;
    }
    uint64_t low = segment.address & ~(kPage - 1);
    uint64_t high = (segment.address + segment.memory_size + kPage - 1) & ~(kPage - 1);
    if (!memory_.seal(low, high - low)) return false;  // guest code is read, never executed
  }
  return true;
}

Program* Process::load(const GuestThread& thread, const std::string& path, std::string& why) {
  try {
    ElfImage image = ElfImage::open(path);
    if (image.tls().memory_size != 0) {
      why = path + ": a loaded program cannot have thread-local storage";
      return nullptr;
    }
    if (!map_image(image, static_cast<uint32_t>(thread.frame->guest.host_core_id))) {
      why = path + ": cannot map it: " + std::strerror(errno);
      return nullptr;
    }
    const Extent extent(image);
    try {
      return &engine_.load(std::move(image), path);
    } catch (...) {
      memory_.unmap_image(extent.begin, extent.end - extent.begin);
      throw;
    }
  } catch (const std::exception& error) {
    why = error.what();
    return nullptr;
  }
}

bool Process::unload(uint64_t id) {
  const Program* program = engine_.find(id);
  if (program == nullptr) return false;
  const Extent extent(program->image());
  if (!engine_.unload(id)) return false;
  memory_.unmap_image(extent.begin, extent.end - extent.begin);
  return true;
}

uint32_t Process::core_of(uint64_t id) const {
  // The kernel decides where a thread runs; until then its memory belongs to its maker's core.
  if (reads_rseq(options_)) return current_processor();
  if (options_.core_id_source == MTEDBG_CoreIdSource_Thread)
    return static_cast<uint32_t>(std::find(taken_.begin(), taken_.end(), false) - taken_.begin());
  return static_cast<uint32_t>((id - 1) % options_.cores);
}

uint64_t Process::make_tls(uint32_t tag) {
  const auto& tls = image_->tls();
  if (tls.memory_size == 0) return 0;
  auto round = [&](uint64_t value) { return (value + tls.alignment - 1) & ~(tls.alignment - 1); };
  const uint64_t size = round(tls.memory_size);
  const uint64_t low = memory_.allocate(size + tls.alignment + kThreadBlock, tag);
  if (low == 0) return 0;
  const uint64_t pointer = round(low) + size;
  if (!tls.file.empty()) write_fresh(pointer - size, tls.file.data(), tls.file.size());
  write_fresh(pointer, &pointer, sizeof pointer);
  return pointer;
}

GuestThread& Process::add_thread(uint32_t core, uint64_t stack_low, uint64_t stack_size) {
  auto& thread = threads_.emplace_back(std::make_unique<GuestThread>());
  thread->id = threads_.size();
  thread->core = core;
  if (taken_.size() <= core) taken_.resize(core + 1);
  taken_[core] = true;
  thread->frame = engine_.new_frame(thread->id, core_tags(options_).of(core));
  register_thread(&thread->frame->guest, stack_low, stack_low + stack_size);
  memory_.protocol().quiescence().add(&thread->frame->guest, &thread->frame->budget);
  return *thread;
}

GuestThread& Process::make_main_thread() {
  std::scoped_lock lock(lock_);
  uint32_t tag = core_tags(options_).of(core_of(1));
  uint64_t size = 0, low = memory_.map_stack(kMainStack, tag, &size), rsp = 0;
  if (low == 0) throw StatusError(Status::Internal, "no memory for the guest's stack");
  size_t text = options_.guest.size() + 8 * options_.arguments.size();
  for (const auto& argument : options_.arguments) text += argument.size();
  if (text > kMainStack / 4) throw StatusError(Status::Usage, "the guest's arguments are too long");
  auto bytes = initial_stack(options_, low + size, rsp);
  write_fresh(rsp, bytes.data(), bytes.size());
  uint64_t tls = make_tls(tag);
  if (tls == 0 && image_->tls().memory_size != 0)
    throw StatusError(Status::Internal, "no memory for the guest's thread-local storage");
  auto& thread = add_thread(core_of(1), low, size);
  thread.frame->fs_base = tls;
  thread.frame->guest.rip = image_->entry();
  gpr(*thread.frame, kRsp) = rsp;
  return thread;
}

GuestThread* Process::make_thread(uint64_t function, uint64_t argument) {
  std::scoped_lock lock(lock_);
  if (threads_.size() >= kMaxThreads) return nullptr;
  uint32_t core = core_of(threads_.size() + 1), tag = core_tags(options_).of(core);
  uint64_t size = 0, low = memory_.map_stack(kThreadStack, tag, &size);
  if (low == 0) return nullptr;
  uint64_t rsp = low + size - 8;  // as after a call: rsp + 8 is a multiple of 16
  write_fresh(rsp, &kThreadReturnRip, sizeof kThreadReturnRip);
  uint64_t tls = make_tls(tag);
  if (tls == 0 && image_->tls().memory_size != 0) return nullptr;
  auto& thread = add_thread(core, low, size);
  thread.frame->fs_base = tls;
  thread.frame->guest.rip = function;
  gpr(*thread.frame, kRsp) = rsp;
  gpr(*thread.frame, kRdi) = argument;
  return &thread;
}

GuestThread* Process::make_linux_thread(const ThreadStart& start, const GuestThread* like) {
  std::scoped_lock lock(lock_);
  if (threads_.size() >= kMaxThreads) return nullptr;
  const uint64_t size = start.stack_high - start.stack_low;
  auto& thread = add_thread(core_of(threads_.size() + 1), start.stack_low, size);
  Frame& frame = *thread.frame;
  if (like != nullptr) copy_guest_state(frame, *like->frame);
  frame.fs_base = start.fs_base;
  frame.guest.rip = start.rip;
  gpr(frame, kRsp) = start.rsp;
  return &thread;
}

GuestThread* Process::find(uint64_t id) {
  std::scoped_lock lock(lock_);
  return id >= 1 && id <= threads_.size() ? threads_[id - 1].get() : nullptr;
}

std::vector<GuestThread*> Process::threads() {
  std::scoped_lock lock(lock_);
  std::vector<GuestThread*> all;
  for (const auto& thread : threads_) all.push_back(thread.get());
  return all;
}

void Process::leave(const GuestThread& thread) {
  std::scoped_lock lock(lock_);
  taken_[thread.core] = false;
}

void Process::only_thread(GuestThread& self) {
  for (const auto& thread : threads_) {
    if (thread.get() == &self || thread->exited) continue;
    thread_exited(&thread->frame->guest, 0);
    thread->frame->epoch.store(0, std::memory_order_release);
    thread->exited = true;
    taken_[thread->core] = false;
  }
  bind_host_thread(&self.frame->guest);
}

void Process::move(GuestThread& thread, uint32_t core) {
  if (thread.core == core) return;
  thread.core = core;
  thread.frame->guest.host_core_id = core_tags(options_).of(core);
  note_core(&thread.frame->guest);
}

}  // namespace mtetso
