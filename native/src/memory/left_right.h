// SPDX-License-Identifier: MIT
//
// Two copies of a value: readers use the one that is shown, a writer changes the other one and then
// shows that. A reader takes no lock and waits for nobody; it may run in a signal handler, also in
// one that interrupts a reader or a writer.
//
// A reader counts itself into a copy and then checks that the copy is still the one that is shown;
// a writer shows the other copy and then waits until that count is zero before it touches what it
// hid. Each side writes one variable and then reads the other's, so these four accesses must be
// sequentially consistent.
//
// The counts of a thread are in a slot of its own, on a line that no other reader writes: readers
// do not slow each other down. Only a writer reads all slots. With more threads than slots, some
// have one in common, which is slower and as right.
//
// What a change costs the readers is lines that they have to fetch again: the value's, the number
// of the copy that is shown, and each reader's slot, which the writer has read. A writer that makes
// one change after the other would keep them doing nothing else. So while there are reads, a writer
// waits until kBetween has passed since its last change.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace mtetso {

inline constexpr size_t kReaderSlots = 64;
inline constexpr size_t kReaderLine =
    128;  // two lines of 64 bytes, which some processors fetch at once

namespace left_right {
inline constinit std::atomic<uint32_t> next_slot{0};
inline constinit thread_local uint32_t slot = UINT32_MAX;
}  // namespace left_right

// The calling thread's. A signal handler that interrupts the first call may choose another one:
// each read uses one slot from its beginning to its end.
inline uint32_t reader_slot() {
  if (left_right::slot == UINT32_MAX)
    left_right::slot = left_right::next_slot.fetch_add(1, std::memory_order_relaxed) % kReaderSlots;
  return left_right::slot;
}

template <typename T>
class LeftRight {
 public:
  LeftRight() = default;
  LeftRight(const LeftRight&) = delete;
  LeftRight& operator=(const LeftRight&) = delete;

  // The copy that is shown when it is made; a writer waits until it is gone before it changes that.
  class Reading {
   public:
    explicit Reading(const LeftRight& of) {
      Slot& mine = of.slots_[reader_slot()];
      for (;;) {
        const uint32_t copy = of.shown_.load(std::memory_order_seq_cst);
        readers_ = &mine.readers[copy];
        readers_->fetch_add(kEnter, std::memory_order_seq_cst);
        if (of.shown_.load(std::memory_order_seq_cst) == copy) {
          value_ = &of.copies_[copy].value;
          return;
        }
        // A writer showed the other copy in between: it may change this one.
        readers_->fetch_sub(kLeave, std::memory_order_release);
      }
    }
    ~Reading() { readers_->fetch_sub(kLeave, std::memory_order_release); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    const T& operator*() const { return *value_; }

   private:
    std::atomic<uint64_t>* readers_;
    const T* value_;
  };

  // What `use` makes of the copy that is shown; it must not keep a reference into it.
  template <typename Use>
  auto read(const Use& use) const {
    const Reading reading(*this);
    return use(*reading);
  }

  // In a child process, which has none of the threads that were reading; no thread reads now.
  void forget_readers() {
    for (Slot& slot : slots_)
      for (auto& readers : slot.readers) readers.store(0, std::memory_order_relaxed);
  }

  // For one writer at a time: the two copies. Nobody reads the hidden one.
  T& hidden() { return copies_[1 - shown_.load(std::memory_order_relaxed)].value; }
  const T& shown() const { return copies_[shown_.load(std::memory_order_relaxed)].value; }

  // Shows the hidden copy, waits until the last reader has left the other one, and returns that,
  // for the same change. New readers do not enter it, so the wait ends when those in flight have
  // left, however many there are.
  T& show_hidden() {
    while (read_meanwhile_ && Clock::now() - changed_ < kBetween) {
    }
    const uint32_t old = shown_.load(std::memory_order_relaxed);
    shown_.store(1 - old, std::memory_order_seq_cst);
    uint64_t reads = 0;
    for (const Slot& slot : slots_) {
      uint64_t now = slot.readers[old].load(std::memory_order_seq_cst);
      for (; now % kReads != 0; now = slot.readers[old].load(std::memory_order_seq_cst))
        std::this_thread::yield();
      reads += now / kReads;
    }
    read_meanwhile_ = reads != reads_[old];
    reads_[old] = reads;
    changed_ = Clock::now();
    return copies_[old].value;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::nanoseconds kBetween{4000};
  // A count has how many are reading in its low half, and how many ever did in the high one.
  static constexpr uint64_t kReads = uint64_t{1} << 32, kEnter = kReads + 1, kLeave = 1;

  struct alignas(kReaderLine) Copy {
    T value;
  };
  struct alignas(kReaderLine) Slot {
    std::array<std::atomic<uint64_t>, 2> readers{};
  };

  std::array<Copy, 2> copies_;
  // The writer's: when it last made a change, how many reads each copy had had when it was hidden,
  // and whether there were any between the last two changes.
  Clock::time_point changed_{};
  std::array<uint64_t, 2> reads_{};
  bool read_meanwhile_ = false;
  mutable std::array<Slot, kReaderSlots> slots_;
  alignas(kReaderLine) std::atomic<uint32_t> shown_{0};
};

}  // namespace mtetso
