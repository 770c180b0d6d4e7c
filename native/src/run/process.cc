// SPDX-License-Identifier: MIT

#include "run/process.h"

#include <elf.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "debug/say.h"
#include "debug/threads.h"
#include "memory/tags.h"
#include "run/core_ids.h"
#include "status.h"
#include "translate/float_helper.h"
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
  std::memcpy(&to.guest.xmm0_low, &from.guest.xmm0_low, 32 * sizeof(uint64_t));
  set_mxcsr(to, from.guest.mxcsr);
  to.x87 = from.x87;
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
  if (program == nullptr || &program->image() == image_) return false;
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

uint64_t Process::make_tls(ThreadPlace& place, uint32_t tag) {
  const auto& tls = image_->tls();
  if (tls.memory_size == 0) return 0;
  auto round = [&](uint64_t value) { return (value + tls.alignment - 1) & ~(tls.alignment - 1); };
  const uint64_t size = round(tls.memory_size), whole = size + tls.alignment + kThreadBlock;
  if (place.tls_low != 0)
    memory_.renew(place.tls_low, whole, tag);
  else
    place.tls_low = memory_.allocate(whole, tag);
  if (place.tls_low == 0) return 0;
  const uint64_t pointer = round(place.tls_low) + size;
  if (!tls.file.empty()) write_fresh(pointer - size, tls.file.data(), tls.file.size());
  write_fresh(pointer, &pointer, sizeof pointer);
  return pointer;
}

bool Process::make_stack(ThreadPlace& place, uint64_t length, uint32_t tag) {
  if (place.stack_low != 0) {
    memory_.renew(place.stack_low, place.stack_size, tag);
    return true;
  }
  place.stack_low = memory_.map_stack(length, tag, &place.stack_size);
  return place.stack_low != 0;
}

std::optional<ThreadPlace> Process::take_place(bool with_stack) {
  if (alive_.size() >= kMaxThreads) {
    if (!std::exchange(refused_, true))
      say("no more than " + std::to_string(kMaxThreads) + " guest threads can be alive at once");
    return std::nullopt;
  }
  if (ended_.size() <= kEndedKept && places_ < kMaxThreads) return ThreadPlace{};
  const auto at = std::find_if(ended_.begin(), ended_.end(), [&](const ThreadPlace& one) {
    return (one.stack_low != 0) == with_stack;
  });
  if (at == ended_.end()) return ThreadPlace{};
  const ThreadPlace found = *at;
  ended_.erase(at);
  return found;
}

GuestThread& Process::add_thread(uint32_t core, ThreadPlace place) {
  auto& thread = threads_.emplace_back(std::make_unique<GuestThread>());
  const uint32_t tag = core_tags(options_).of(core);
  thread->id = threads_.size();
  thread->core = core;
  if (taken_.size() <= core) taken_.resize(core + 1);
  taken_[core] = true;
  mtedbg_Thread* ended = nullptr;
  if (place.frame != nullptr) {
    ended = reinterpret_cast<mtedbg_Thread*>(place.frame->guest.thread);
    engine_.renew_frame(*place.frame, thread->id, tag);
  } else {
    place.frame = engine_.new_frame(thread->id, tag);
    memory_.protocol().quiescence().add(&place.frame->guest, &place.frame->budget);
    ++places_;
  }
  thread->frame = place.frame;
  thread->place = place;
  register_thread(&place.frame->guest, place.stack_low, place.stack_low + place.stack_size, ended);
  alive_.push_back(thread.get());
  return *thread;
}

GuestThread& Process::make_main_thread() {
  std::scoped_lock lock(lock_);
  uint32_t tag = core_tags(options_).of(core_of(1));
  ThreadPlace place;
  if (!make_stack(place, kMainStack, tag))
    throw StatusError(Status::Internal, "no memory for the guest's stack");
  uint64_t rsp = 0;
  size_t text = options_.guest.size() + 8 * options_.arguments.size();
  for (const auto& argument : options_.arguments) text += argument.size();
  if (text > kMainStack / 4) throw StatusError(Status::Usage, "the guest's arguments are too long");
  auto bytes = initial_stack(options_, place.stack_low + place.stack_size, rsp);
  write_fresh(rsp, bytes.data(), bytes.size());
  uint64_t tls = make_tls(place, tag);
  if (tls == 0 && image_->tls().memory_size != 0)
    throw StatusError(Status::Internal, "no memory for the guest's thread-local storage");
  auto& thread = add_thread(core_of(1), place);
  thread.frame->fs_base = tls;
  thread.frame->guest.rip = image_->entry();
  gpr(*thread.frame, kRsp) = rsp;
  return thread;
}

GuestThread* Process::make_thread(uint64_t function, uint64_t argument) {
  std::scoped_lock lock(lock_);
  auto place = take_place(true);
  if (!place) return nullptr;
  uint32_t core = core_of(threads_.size() + 1), tag = core_tags(options_).of(core);
  if (!make_stack(*place, kThreadStack, tag)) return nullptr;
  uint64_t rsp =
      place->stack_low + place->stack_size - 8;  // as after a call: rsp + 8 is a multiple of 16
  write_fresh(rsp, &kThreadReturnRip, sizeof kThreadReturnRip);
  uint64_t tls = make_tls(*place, tag);
  if (tls == 0 && image_->tls().memory_size != 0) return nullptr;
  auto& thread = add_thread(core, *place);
  thread.frame->fs_base = tls;
  thread.frame->guest.rip = function;
  gpr(*thread.frame, kRsp) = rsp;
  gpr(*thread.frame, kRdi) = argument;
  return &thread;
}

GuestThread* Process::make_linux_thread(const ThreadStart& start, const GuestThread* like) {
  std::scoped_lock lock(lock_);
  auto place = take_place(false);
  if (!place) return nullptr;
  auto& thread = add_thread(core_of(threads_.size() + 1), *place);
  show_stack(&thread.frame->guest, start.stack_low, start.stack_high);
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
  return alive_;
}

void Process::leave(GuestThread& thread) {
  std::scoped_lock lock(lock_);
  taken_[thread.core] = false;
  std::erase(alive_, &thread);
  ended_.push_back(thread.place);
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
