// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace mtetso {

// Stores to a field that a debugger or another thread may be reading: whole, in no order.
template <typename T, typename V>
void put(T& field, V value) {
  std::atomic_ref(field).store(static_cast<T>(value), std::memory_order_relaxed);
}

}  // namespace mtetso
