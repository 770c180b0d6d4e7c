// SPDX-License-Identifier: MIT
#include "fault/interpret.h"

#include <atomic>
#include <cstring>

#include "debug/fence.h"
#include "memory/tags.h"

namespace mtetso {
namespace {

constexpr uint32_t kZeroRegister = 31;

uint64_t read_register(const uint64_t* registers, uint32_t index) {
  return index == kZeroRegister ? 0 : registers[index];
}

void write_register(uint64_t* registers, uint32_t index, uint64_t value) {
  if (index != kZeroRegister) registers[index] = value;
}

// memcpy of a constant size is one access of that size, which is single-copy atomic inside 16
// bytes (FEAT_LSE2, Arm ARM B2.2.1) and for which any alignment is allowed.
template <typename T>
void move(const AccessWord& access, void* at, uint64_t* registers) {
  if (access.access == MTEDBG_Access_Load) {
    T value;
    std::memcpy(&value, at, sizeof value);
    write_register(registers, access.data, value);
  } else {
    const T value = static_cast<T>(read_register(registers, access.data));
    std::memcpy(at, &value, sizeof value);
  }
}

template <typename T>
T exchange(const AccessWord& access, std::atomic_ref<T> memory, T operand, T data) {
  switch (access.op) {
    case AtomicOp::Add:
      return memory.fetch_add(operand);
    case AtomicOp::Clear:
      return memory.fetch_and(static_cast<T>(~operand));
    case AtomicOp::Xor:
      return memory.fetch_xor(operand);
    case AtomicOp::Set:
      return memory.fetch_or(operand);
    case AtomicOp::Swap:
      return memory.exchange(operand);
    case AtomicOp::CompareSwap:
      memory.compare_exchange_strong(operand, data);
      return operand;  // what was there, either way
    case AtomicOp::None:
      break;
  }
  return 0;
}

template <typename T>
void atomic(const AccessWord& access, void* at, uint64_t* registers) {
  const T operand = static_cast<T>(read_register(registers, access.source));
  const T data = static_cast<T>(read_register(registers, access.data));
  const T old = exchange<T>(access, std::atomic_ref(*static_cast<T*>(at)), operand, data);
  // CAS returns in the register of the expected value, the others in Rt.
  const bool swap = access.op == AtomicOp::CompareSwap;
  write_register(registers, swap ? access.source : access.data, old);
}

template <typename T>
void perform(const AccessWord& access, void* at, uint64_t* registers) {
  if (access.op == AtomicOp::None)
    move<T>(access, at, registers);
  else
    atomic<T>(access, at, registers);
}

}  // namespace

void interpret(const AccessWord& access, uint64_t address, uint64_t* registers) {
  void* at = reinterpret_cast<void*>(strip_tag(address));
  UncheckedAccess unchecked;
  full_fence();
  switch (access.size) {
    case 1:
      perform<uint8_t>(access, at, registers);
      break;
    case 2:
      perform<uint16_t>(access, at, registers);
      break;
    case 4:
      perform<uint32_t>(access, at, registers);
      break;
    default:
      perform<uint64_t>(access, at, registers);
      break;
  }
  full_fence();
}

}  // namespace mtetso
