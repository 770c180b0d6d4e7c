// SPDX-License-Identifier: MIT
//
// Compiled code for tests of the code manager, and what the debug root says.
#pragma once

#include <mtedbg/debug_root.h>

#include <cstring>
#include <optional>
#include <vector>

#include "code/memop_words.h"
#include "compiled.h"
#include "debug/table.h"

namespace mtetso::sample {

inline constexpr uint32_t kLoad = 0xf9400203;  // ldr x3, [x16]
inline constexpr uint32_t kNop = 0xd503201f;

// A function with one local memop at offset 8, of the guest instruction at rip + 3, and a Throw
// range after some padding; entered at rip and, at offset 12, at rip + 7.
inline CompiledCode code(uint32_t function, uint64_t rip) {
  CompiledCode made;
  made.words = {kNop, tag_word(MTEDBG_Mode_Local, 0), kLoad, kNop, kNop, kNop};
  made.ranges = {{0, 16, MTEDBG_RangeKind_Function, function, rip, "f"},
                 {20, 24, MTEDBG_RangeKind_Throw, CompiledRange::kNoFunction, 0, ""}};
  made.memops = {{4, 8, rip + 3, MTEDBG_Access_Load, 8, MTEDBG_Mode_Local}};
  made.entries = {{rip, 0}, {rip + 7, 12}};
  return made;
}

// The same with the memop's out-of-line form in a range of its own, and the memop in mode Either.
inline CompiledCode either_code(uint32_t function, uint64_t rip) {
  CompiledCode made = code(function, rip);
  constexpr uint32_t kOut = 24, kBack = 12;
  made.memops[0].mode = MTEDBG_Mode_Either;
  made.memops[0].out_offset = kOut;
  made.words[1] = branch_word(4, kOut);
  made.words[2] = *access_word_in(kLoad, MTEDBG_Mode_Either);
  const OutOfLine form = out_of_line(kLoad, 0, kOut, kBack);
  made.words.insert(made.words.end(), form.span().begin(), form.span().end());
  return made;
}

template <typename T>
std::vector<T> published(const PublishedTable<T>& table) {
  const uint64_t generation = table.abi().published;
  if (generation == 0) return {};
  const auto* buffer = reinterpret_cast<const mtedbg_Buffer*>(
      generation % 2 == 0 ? table.abi().buffer0 : table.abi().buffer1);
  const auto* records = reinterpret_cast<const T*>(buffer + 1);
  return {records, records + buffer->count};
}

// The records that were not removed, by their slots.
template <typename T>
std::vector<T> published(const PublishedSlots<T>& slots) {
  std::vector<T> found;
  const T none{};
  for (uint64_t slot = 0; slot < slots.count(); ++slot)
    if (std::memcmp(&slots.at(slot), &none, sizeof none) != 0) found.push_back(slots.at(slot));
  return found;
}

template <template <typename> typename Table, typename T, typename Id>
std::optional<T> find(const Table<T>& table, Id T::*field, uint64_t id) {
  for (const T& one : published(table))
    if (one.*field == id) return one;
  return std::nullopt;
}

}  // namespace mtetso::sample
