// SPDX-License-Identifier: MIT
#include "fault/interpret.h"

#include <atomic>
#include <cstring>

#include "debug/fence.h"
#include "debug/trace.h"
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

// What an atomic access stores where it found `old`.
template <typename T>
T combined(AtomicOp op, T old, T operand, T data) {
  switch (op) {
    case AtomicOp::Add:
      return static_cast<T>(old + operand);
    case AtomicOp::Clear:
      return static_cast<T>(old & ~operand);
    case AtomicOp::Xor:
      return static_cast<T>(old ^ operand);
    case AtomicOp::Set:
      return static_cast<T>(old | operand);
    case AtomicOp::Swap:
      return operand;
    case AtomicOp::CompareSwap:
      return old == operand ? data : old;
    case AtomicOp::None:
      break;
  }
  return old;
}

// The locked part of an atomic access: stores combined(old) and returns old.
template <typename T>
T atomically(const AccessWord& access, void* at, T operand, T data) {
  std::atomic_ref memory(*static_cast<T*>(at));
  T old = memory.load(std::memory_order_relaxed);
  while (!memory.compare_exchange_weak(old, combined(access.op, old, operand, data))) {
  }
  return old;
}

template <typename T>
T alone(const AccessWord& access, void* at, T operand, T data) {
  T old;
  std::memcpy(&old, at, sizeof old);
  const T made = combined(access.op, old, operand, data);
  std::memcpy(at, &made, sizeof made);
  return old;
}

template <typename T>
void atomic(const AccessWord& access, void* at, uint64_t* registers, bool guarded) {
  const T operand = static_cast<T>(read_register(registers, access.source));
  const T data = static_cast<T>(read_register(registers, access.data));
  const T old =
      guarded ? alone<T>(access, at, operand, data) : atomically<T>(access, at, operand, data);
  // CAS returns in the register of the expected value, the others in Rt.
  const bool swap = access.op == AtomicOp::CompareSwap;
  write_register(registers, swap ? access.source : access.data, old);
}

template <typename T>
void perform(const AccessWord& access, void* at, uint64_t* registers, bool guarded) {
  if (access.op == AtomicOp::None)
    move<T>(access, at, registers);
  else
    atomic<T>(access, at, registers, guarded);
}

// CASPAL at an aligned address; the compiler's atomics would need a library for it.
void swap_pair(const AccessWord& access, void* at, uint64_t* registers) {
  uint64_t* expected = registers + access.source;
  const uint64_t* made = registers + access.data;
#ifdef __aarch64__
  register uint64_t low asm("x2") = expected[0];
  register uint64_t high asm("x3") = expected[1];
  register uint64_t made_low asm("x4") = made[0];
  register uint64_t made_high asm("x5") = made[1];
  asm volatile(".arch_extension lse\n\tcaspal x2, x3, x4, x5, [%4]"
               : "+r"(low), "+r"(high)
               : "r"(made_low), "r"(made_high), "r"(at)
               : "memory");
  expected[0] = low;
  expected[1] = high;
#else
  // On other hosts no guest runs: this is for tests.
  uint64_t old[2];
  std::memcpy(old, at, sizeof old);
  if (old[0] == expected[0] && old[1] == expected[1]) std::memcpy(at, made, sizeof old);
  std::memcpy(expected, old, sizeof old);
#endif
}

void dispatch(const AccessWord& access, uint64_t address, uint64_t* registers, bool guarded) {
  void* at = reinterpret_cast<void*>(strip_tag(address));
  UncheckedAccess unchecked;
  full_fence();
  switch (access.size) {
    case 1:
      perform<uint8_t>(access, at, registers, guarded);
      break;
    case 2:
      perform<uint16_t>(access, at, registers, guarded);
      break;
    case 4:
      perform<uint32_t>(access, at, registers, guarded);
      break;
    case 8:
      perform<uint64_t>(access, at, registers, guarded);
      break;
    default:
      swap_pair(access, at, registers);
      break;
  }
  full_fence();
  if (tracing()) trace({.kind = TraceKind::Interpreted, .address = strip_tag(address)});
}

}  // namespace

void interpret(const AccessWord& access, uint64_t address, uint64_t* registers) {
  dispatch(access, address, registers, false);
}

void interpret_guarded(const AccessWord& access, uint64_t address, uint64_t* registers) {
  dispatch(access, address, registers, true);
}

}  // namespace mtetso
